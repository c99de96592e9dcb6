// The demo network and its orders: what the commands see of the folder `demo`.
export { loadDemo } from './demo/load.ts';
export { DEMO_MERCHANT_ID, type DemoNetwork, demoNetwork } from './demo/network.ts';
export { type DemoOrder, demoOrders, writeDemoOrders } from './demo/orders.ts';
