import { type Client, createClient } from '#libs/grpc';
import { NetworkService } from '#proto/queqiao/network/v1/network_service';
import { WaybillService } from '#proto/queqiao/waybill/v1/waybill_service';

/**
 * A connection to a Queqiao at host:port. Make one and keep it; close it at the end. `caFile` is a
 * PEM file of the authority to trust, or '' for those that Node knows: with it, calls go over TLS.
 */
export function connect(
  address: string,
  apiKey: string,
  { caFile }: { caFile?: string } = {},
): QueqiaoClient {
  const options = { address, caFile, credentials: { apiKey } };
  const network = createClient(NetworkService, options);
  const waybill = createClient(WaybillService, options);
  return {
    network,
    waybill,
    close() {
      network.close();
      waybill.close();
    },
  };
}

export type QueqiaoClient = {
  network: Client<typeof NetworkService>;
  waybill: Client<typeof WaybillService>;
  close(): void;
};
