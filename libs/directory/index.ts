// What every service needs to know of the network service's data: merchants, couriers, nodes,
// number ranges, courier accounts, sort codes, and whom an API key speaks for. Cached; the network
// service stays the owner. Does not change anything and keeps nothing on disk.
export { type Directory, openDirectory, type SortPlace } from './directory.ts';
