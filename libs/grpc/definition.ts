import {
  create,
  type DescMessage,
  type DescService,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';

/**
 * A service's descriptor as grpc-js wants it. The codec of a method may be another than
 * protobuf-es', for a hot path that leaves a nested message undecoded.
 */
export function serviceDefinition<Desc extends DescService>(
  desc: Desc,
  codecs: Codecs<Desc> = {},
): ServiceDefinition {
  const methods = desc.methods.map((method): [string, AnyMethod] => {
    const codec = codecs[method.localName as MethodName<Desc>];
    return [
      method.localName,
      {
        path: `/${desc.typeName}/${method.name}`,
        requestStream:
          method.methodKind === 'client_streaming' || method.methodKind === 'bidi_streaming',
        responseStream:
          method.methodKind === 'server_streaming' || method.methodKind === 'bidi_streaming',
        requestSerialize: codec?.requestSerialize ?? serializer(method.input),
        requestDeserialize: codec?.requestDeserialize ?? deserializer(method.input),
        responseSerialize: codec?.responseSerialize ?? serializer(method.output),
        responseDeserialize: deserializer(method.output),
      },
    ];
  });
  return Object.fromEntries(methods);
}

/** `/package.Service/Method` without the slash in front: how logs, scopes and metrics name it. */
export function methodOf(path: string): string {
  return path.slice(1);
}

function serializer<Desc extends DescMessage>(desc: Desc) {
  return (value: MessageInitShape<Desc>): Buffer => toBuffer(toBinary(desc, create(desc, value)));
}

function deserializer<Desc extends DescMessage>(desc: Desc) {
  return (bytes: Uint8Array): MessageShape<Desc> => fromBinary(desc, bytes);
}

function toBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

// biome-ignore lint/suspicious/noExplicitAny: grpc-js types a list of methods of all types so.
export type AnyMethod = MethodDefinition<any, any>;

export type MethodName<Desc extends DescService> = keyof Desc['method'];

/** A codec other than protobuf-es' for some methods. */
export type Codecs<Desc extends DescService> = {
  readonly [Name in MethodName<Desc>]?: Codec;
};

export type Codec = {
  /** For clients that have their requests encoded already. */
  // biome-ignore lint/suspicious/noExplicitAny: whoever gives it knows what it is given.
  readonly requestSerialize?: (request: any) => Buffer;
  /** Throws if the bytes are not a request. */
  // biome-ignore lint/suspicious/noExplicitAny: the type is taken from it, see Handlers.
  readonly requestDeserialize?: (bytes: Buffer) => any;
  // biome-ignore lint/suspicious/noExplicitAny: the type is taken from it, see Handlers.
  readonly responseSerialize?: (response: any) => Buffer;
};
