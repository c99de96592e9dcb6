import { implement } from '#libs/grpc';
import { AddressService } from '#proto/queqiao/waybill/v1/address_service';
import type { Deps } from './deps.ts';
import { parseAddresses } from './rpc/parse-addresses.ts';
import { reportDeliveryPoints } from './rpc/report-delivery-points.ts';

export function addressService(deps: Deps) {
  return implement(AddressService, {
    parseAddresses: (request, context) => parseAddresses(deps, request, context),
    reportDeliveryPoints: (request, context) => reportDeliveryPoints(deps, request, context),
  });
}
