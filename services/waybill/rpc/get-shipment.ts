import { create } from '@bufbuild/protobuf';
import type { CallContext } from '#libs/grpc';
import {
  type GetShipmentRequest,
  type GetShipmentResponse,
  GetShipmentResponseSchema,
} from '#proto/queqiao/waybill/v1/waybill_life';
import type { Deps } from '../deps.ts';
import { toMessage } from '../message.ts';
import { parseWaybillNumber } from '../parcel.ts';
import { findByNumber } from '../read.ts';
import { selectShipment } from '../store/version.ts';
import { tenantOf } from '../tenant.ts';

export async function getShipment(
  deps: Deps,
  request: GetShipmentRequest,
  { identity }: CallContext,
): Promise<GetShipmentResponse> {
  const number = parseWaybillNumber('waybill_number', request.waybillNumber);
  const found = await findByNumber(deps, number, tenantOf(identity));
  // All parcels of a shipment are of one merchant and one courier: who sees one sees all.
  const [parent, ...children] = (await selectShipment(deps.pool, found)).map(toMessage);
  return create(GetShipmentResponseSchema, {
    shipment: {
      orderRef: found.order_ref,
      parcelCount: found.parcel_count,
      ...(parent && { parent }),
      children,
      missingCount: found.parcel_count - children.length - 1,
    },
  });
}
