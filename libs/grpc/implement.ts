import type { DescService, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import type { Codecs, MethodName } from './definition.ts';
import type { CallContext, StreamContext } from './identity.ts';

/**
 * Ties a service's methods to functions; one that is missing does not compile. A handler answers
 * a message or the plain fields of one, and throws an RpcError for what the caller can act on.
 */
export function implement<
  Desc extends DescService,
  const Given extends Codecs<Desc> = Record<never, never>,
>(desc: Desc, handlers: Handlers<Desc, Given>, codecs?: Given): ServiceImplementation {
  for (const { localName, methodKind, name } of desc.methods) {
    if (methodKind === 'client_streaming') {
      throw new Error(`${desc.typeName}/${name}: streams of requests alone are not served`);
    }
    if (typeof handlers[localName as MethodName<Desc>] !== 'function') {
      throw new Error(`${desc.typeName}/${name} has no handler`);
    }
  }
  return { desc, handlers: handlers as ServiceImplementation['handlers'], codecs: codecs ?? {} };
}

/** A service that startServer can serve. */
export type ServiceImplementation = {
  readonly desc: DescService;
  readonly handlers: Readonly<Record<string, AnyHandler | AnyStreamHandler | AnyAnswerHandler>>;
  readonly codecs: Codecs<DescService>;
};

/**
 * One function for each method, named in camelCase. That of a bidi stream takes the requests as
 * they come, asks for no more than it can work on, and yields the answers; that of a stream of
 * answers takes its one request.
 */
export type Handlers<Desc extends DescService, Given = Record<never, never>> = {
  readonly [Name in MethodName<Desc>]: Desc['method'][Name] extends { methodKind: 'unary' }
    ? (
        request: RequestOf<Desc, Name, Given>,
        context: CallContext,
      ) => MaybePromise<ResponseOf<Desc, Name, Given>>
    : Desc['method'][Name] extends { methodKind: 'bidi_streaming' }
      ? (
          requests: AsyncIterable<RequestOf<Desc, Name, Given>>,
          context: StreamContext,
        ) => AsyncIterable<ResponseOf<Desc, Name, Given>>
      : Desc['method'][Name] extends { methodKind: 'server_streaming' }
        ? (
            request: RequestOf<Desc, Name, Given>,
            context: StreamContext,
          ) => AsyncIterable<ResponseOf<Desc, Name, Given>>
        : never;
};

type RequestOf<Desc extends DescService, Name extends MethodName<Desc>, Given> = Given extends {
  readonly [Key in Name]: { readonly requestDeserialize: (bytes: Buffer) => infer Request };
}
  ? Request
  : MessageShape<Desc['method'][Name]['input']>;

type ResponseOf<Desc extends DescService, Name extends MethodName<Desc>, Given> = Given extends {
  readonly [Key in Name]: { readonly responseSerialize: (response: infer Response) => Buffer };
}
  ? Response
  : MessageInitShape<Desc['method'][Name]['output']>;

type MaybePromise<T> = T | Promise<T>;

// biome-ignore lint/suspicious/noExplicitAny: methods of all types stand in one list.
export type AnyHandler = (request: any, context: CallContext) => unknown;

export type AnyStreamHandler = (
  // biome-ignore lint/suspicious/noExplicitAny: methods of all types stand in one list.
  requests: AsyncIterable<any>,
  context: StreamContext,
) => AsyncIterable<unknown>;

/** The handler of a stream of answers as that of a stream whose first request is the only one. */
export function forOneRequest(handler: AnyAnswerHandler): AnyStreamHandler {
  return async function* (requests, context) {
    for await (const request of requests) {
      yield* handler(request, context);
      return;
    }
    throw new Error('the call ended before its request');
  };
}

export type AnyAnswerHandler = (
  // biome-ignore lint/suspicious/noExplicitAny: methods of all types stand in one list.
  request: any,
  context: StreamContext,
) => AsyncIterable<unknown>;
