import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { Code } from '#libs/errors';
import type { Merchant } from '#proto/queqiao/network/v1/merchant';
import {
  GetMerchantRequestSchema,
  type GetMerchantResponse,
  type GetMerchantResponseSchema,
  NetworkService,
} from '#proto/queqiao/network/v1/network_service';
import { WaybillService } from '#proto/queqiao/waybill/v1/waybill_service';
import { failure, startFixture, unused } from './fixture.ts';
import { type Handlers, implement } from './index.ts';

describe('a call', () => {
  it('carries a request there and a response back, Chinese text included', async () => {
    await using it = await startFixture({
      getMerchant: ({ merchantId }) => ({ merchant: { merchantId, displayName: '鹊桥小店 𠮷' } }),
    });
    const { merchant } = await it.client.getMerchant({ merchantId: 'shop-1' });
    expect(merchant).toMatchObject({ merchantId: 'shop-1', displayName: '鹊桥小店 𠮷' });
    expectTypeOf(merchant).toEqualTypeOf<Merchant | undefined>();
  });

  it('tells the handler who calls, by which method and until when', async () => {
    const seen: object[] = [];
    await using it = await startFixture({
      getMerchant: (_, context) => {
        seen.push(context);
        return {};
      },
    });
    await it.client.getMerchant({});
    expect(seen[0]).toMatchObject({
      identity: { kind: 'operator', id: 'operator-1', keyId: 'operator-key' },
      method: 'queqiao.network.v1.NetworkService/GetMerchant',
      requestId: expect.stringMatching(/^[\da-f-]{36}$/),
      deadline: expect.any(Date),
      signal: expect.any(AbortSignal),
    });
  });

  it('of a method that the server does not serve is METHOD_UNKNOWN', async () => {
    await using it = await startFixture({});
    const error = await failure(it.connect(WaybillService).getWaybill({}));
    expect(error).toMatchObject({
      reason: 'METHOD_UNKNOWN',
      code: status.UNIMPLEMENTED,
      metadata: { method: 'queqiao.waybill.v1.WaybillService/GetWaybill' },
    });
  });

  it('may have a codec of its own', async () => {
    const getMerchant = (bytes: Uint8Array) => ({
      merchant: { merchantId: Buffer.from(bytes).toString('hex') },
    });
    const handlers = { ...unused(), getMerchant };
    const services = [implement(NetworkService, handlers, { getMerchant: rawRequest })];
    await using it = await startFixture({}, { services });
    const request = create(GetMerchantRequestSchema, { merchantId: 'shop-1' });
    const { merchant } = await it.client.getMerchant(request);
    const bytes = Buffer.from(toBinary(GetMerchantRequestSchema, request));
    expect(merchant?.merchantId).toBe(bytes.toString('hex'));
  });
});

const rawRequest = { requestDeserialize: (bytes: Buffer): Uint8Array => bytes };

describe('types', () => {
  it('refuse an implementation without all methods', () => {
    // @ts-expect-error only one of the methods is there
    const incomplete = () => implement(NetworkService, { getMerchant: () => ({}) });
    expect(incomplete).toThrow('NetworkService/CreateMerchant has no handler');
  });

  it('refuse a handler that answers something else', () => {
    type GetMerchant = Handlers<typeof NetworkService>['getMerchant'];
    type Answer = MessageInitShape<typeof GetMerchantResponseSchema>;
    expectTypeOf<ReturnType<GetMerchant>>().toEqualTypeOf<Answer | Promise<Answer>>();
    expectTypeOf<GetMerchantResponse>().toExtend<Answer>();
    // @ts-expect-error a merchant's name is text
    const wrong: GetMerchant = () => ({ merchant: { displayName: 7 } });
    expect(wrong).toBeTypeOf('function');
  });

  it('give a handler the request that its codec makes', () => {
    type GetMerchant = Handlers<
      typeof NetworkService,
      { getMerchant: typeof rawRequest }
    >['getMerchant'];
    expectTypeOf<Parameters<GetMerchant>[0]>().toEqualTypeOf<Uint8Array>();
  });
});

describe('the table of codes', () => {
  it('agrees with grpc-js', () => {
    for (const [name, code] of Object.entries(Code)) {
      expect(status[name as keyof typeof status], name).toBe(code);
    }
  });
});

describe('startServer', () => {
  it('says in a sentence that its port is taken', async () => {
    await using first = await startFixture({});
    const { address } = first.server;
    const second = startFixture({}, { listen: address });
    await expect(second).rejects.toThrow(
      `cannot listen on ${address}: listen EADDRINUSE: address already in use ${address}`,
    );
  });
});
