import { timestampDate } from '@bufbuild/protobuf/wkt';
import { RpcError } from '#libs/errors';
import { addressesIn, type Identity } from '#libs/grpc';
import { Subject_Kind } from '#proto/queqiao/network/v1/api_key';
import type { AuthenticateApiKeyResponse } from '#proto/queqiao/network/v1/network_service';

const KINDS: Record<number, Identity['kind']> = {
  [Subject_Kind.OPERATOR]: 'operator',
  [Subject_Kind.MERCHANT]: 'merchant',
  [Subject_Kind.COURIER]: 'courier',
};

/** Whom an answer of AuthenticateApiKey speaks for. */
export function toIdentity(answer: AuthenticateApiKeyResponse): KnownIdentity {
  const kind = KINDS[answer.subject?.kind ?? Subject_Kind.UNSPECIFIED];
  if (kind === undefined) throw new RpcError('API_KEY_INVALID');
  return {
    kind,
    id: answer.subject?.id ?? '',
    scopes: new Set(answer.scopes),
    keyId: answer.apiKeyId,
    expireTime: answer.expireTime && timestampDate(answer.expireTime),
    addresses: addressesIn(answer.allowedCidrs),
    limits: answer.limits,
    quotaId: answer.quotaId,
  };
}

/** An identity with the end of its key, which may come before the cache asks again. */
export type KnownIdentity = Identity & { expireTime: Date | undefined };
