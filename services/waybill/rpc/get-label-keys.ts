import { create } from '@bufbuild/protobuf';
import {
  type GetLabelKeysResponse,
  GetLabelKeysResponseSchema,
} from '#proto/queqiao/waybill/v1/label_service';
import type { Deps } from '../deps.ts';

export function getLabelKeys({ labels }: Deps): GetLabelKeysResponse {
  return create(GetLabelKeysResponseSchema, {
    keys: labels.keys.map(({ kid, x }) => ({
      keyId: kid,
      publicKey: Buffer.from(x, 'base64url'),
    })),
  });
}
