import { implement } from '#libs/grpc';
import { AddressService } from '#proto/queqiao/waybill/v1/address_service';
import { parseAddresses } from './rpc/parse-addresses.ts';

export function addressService() {
  return implement(AddressService, {
    parseAddresses: (request, context) => parseAddresses(request, context),
  });
}
