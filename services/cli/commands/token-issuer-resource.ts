import { TokenIssuerSchema } from '#proto/queqiao/network/v1/token_issuer';
import { choice, fromPlain, type Resource, state, toPlain } from './network-resource.ts';

/** What `queqiao issuer` works on. */
export const TOKEN_ISSUER: Resource = {
  name: 'issuer',
  title: 'Issuers of tokens (JWT), which callers may show instead of keys. / 令牌签发方。',
  idKey: 'token_issuer_id',
  columns: ['token_issuer_id', 'issuer', 'audience', 'subject.kind', 'subject.id', 'state'],
  flags: [
    { flag: '--issuer <text>', key: 'issuer', help: 'the claim iss; fixed' },
    { flag: '--audience <text>', key: 'audience', help: 'the claim aud' },
    { flag: '--jwks <json>', key: 'jwks', help: 'public keys, as "$(cat jwks.json)"' },
    choice('--kind', 'subject.kind', { merchant: 'KIND_MERCHANT', courier: 'KIND_COURIER' }),
    { flag: '--subject <id>', key: 'subject.id', help: 'the merchant or courier; fixed' },
    {
      flag: '--scope <name>',
      key: 'scopes',
      help: 'what its tokens may do at most; may be repeated',
      toItem: (text) => text,
    },
    {
      flag: '--from <cidr>',
      key: 'allowed_cidrs',
      help: 'only from this network; may be repeated',
      toItem: (text) => text,
    },
    { flag: '--calls-per-s <n>', key: 'limits.calls_per_s', help: 'rate', isNumber: true },
    { flag: '--burst <n>', key: 'limits.burst_count', help: 'calls at once', isNumber: true },
    { flag: '--per-day <n>', key: 'limits.waybills_per_day', help: 'waybills a day (UTC)' },
    state('STATE_'),
  ],
  get: async (client, tokenIssuerId) =>
    toPlain(TokenIssuerSchema, (await client.getTokenIssuer({ tokenIssuerId })).tokenIssuer),
  list: async (client, page) => {
    const { tokenIssuers, nextPageToken } = await client.listTokenIssuers(page);
    return { items: tokenIssuers.map((each) => toPlain(TokenIssuerSchema, each)), nextPageToken };
  },
  create: async (client, plain) => {
    const tokenIssuer = fromPlain(TokenIssuerSchema, plain);
    return toPlain(
      TokenIssuerSchema,
      (await client.createTokenIssuer({ tokenIssuer })).tokenIssuer,
    );
  },
  update: async (client, plain) => {
    const tokenIssuer = fromPlain(TokenIssuerSchema, plain);
    return toPlain(
      TokenIssuerSchema,
      (await client.updateTokenIssuer({ tokenIssuer })).tokenIssuer,
    );
  },
};
