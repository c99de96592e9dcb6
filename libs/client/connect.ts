import { type Client, createClient } from '#libs/grpc';
import { NetworkService } from '#proto/queqiao/network/v1/network_service';
import { VaultService } from '#proto/queqiao/waybill/v1/vault_service';
import { WaybillService } from '#proto/queqiao/waybill/v1/waybill_service';

/** A connection to a Queqiao at host:port. Make one and keep it; close it at the end. */
export function connect(address: string, apiKey: string): QueqiaoClient {
  const options = { address, credentials: { apiKey } };
  const network = createClient(NetworkService, options);
  const waybill = createClient(WaybillService, options);
  const vault = createClient(VaultService, options);
  return {
    network,
    waybill,
    vault,
    close() {
      network.close();
      waybill.close();
      vault.close();
    },
  };
}

export type QueqiaoClient = {
  network: Client<typeof NetworkService>;
  waybill: Client<typeof WaybillService>;
  vault: Client<typeof VaultService>;
  close(): void;
};
