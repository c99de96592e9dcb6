import type { MessageInitShape } from '@bufbuild/protobuf';
import { Subject_Kind } from '#proto/queqiao/network/v1/api_key';
import type { ParcelSchema } from '#proto/queqiao/waybill/v1/waybill';
import { DEMO_MERCHANT_ID, loadDemo } from '../../services/cli/demo.ts';

/** Loads the demo network; answers a key of its merchant. */
export async function openShop(operator: Parameters<typeof loadDemo>[0]): Promise<string> {
  await loadDemo(operator);
  const { secret } = await operator.network.createApiKey({
    apiKey: {
      apiKeyId: 'fault-test',
      subject: { kind: Subject_Kind.MERCHANT, id: DEMO_MERCHANT_ID },
      scopes: ['waybill.issue', 'waybill.read', 'waybill.cancel'],
    },
  });
  return secret;
}

/** A parcel of the demo merchant; orders take turns with the couriers, whose numbers differ. */
export function parcelOf(orderRef: string): MessageInitShape<typeof ParcelSchema> {
  const turn = Number(/\d+$/.exec(orderRef)?.[0] ?? 0) % COURIERS.length;
  return {
    orderRef,
    courierId: COURIERS[turn] ?? '',
    nodeId: 'hangzhou-cang',
    consignee: {
      name: '李雷',
      phone: '13800001234',
      address: { province: '浙江省', city: '杭州市', district: '西湖区', detail: '文三路1号' },
    },
    weightG: 800,
  };
}

/** One for each check digit scheme. */
const COURIERS = ['lingque', 'qianxing', 'yundu', 'yinhan'];
