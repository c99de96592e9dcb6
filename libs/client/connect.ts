import { type Client, createClient } from '#libs/grpc';
import { NetworkService } from '#proto/queqiao/network/v1/network_service';
import { AddressService } from '#proto/queqiao/waybill/v1/address_service';
import { LabelService } from '#proto/queqiao/waybill/v1/label_service';
import { VaultService } from '#proto/queqiao/waybill/v1/vault_service';
import { WaybillService } from '#proto/queqiao/waybill/v1/waybill_service';
import { Issuer, type IssuerOptions } from './issuer.ts';

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
  const issuers = new Set<Issuer>();
  const vault = createClient(VaultService, options);
  const label = createClient(LabelService, options);
  const addresses = createClient(AddressService, options);
  return {
    network,
    waybill,
    vault,
    label,
    addresses,
    issuer(given) {
      const issuer = new Issuer(options, given, () => issuers.delete(issuer));
      issuers.add(issuer);
      return issuer;
    },
    close() {
      for (const issuer of issuers) issuer.abort();
      network.close();
      waybill.close();
      vault.close();
      label.close();
      addresses.close();
    },
  };
}

export type QueqiaoClient = {
  network: Client<typeof NetworkService>;
  waybill: Client<typeof WaybillService>;
  vault: Client<typeof VaultService>;
  label: Client<typeof LabelService>;
  addresses: Client<typeof AddressService>;
  /** For parcels that come one by one: they travel together, and survive a broken connection. */
  issuer(options?: IssuerOptions): Issuer;
  /** Ends the connection; what is under way is cancelled. Close issuers before. */
  close(): void;
};
