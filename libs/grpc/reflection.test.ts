import { create, createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import {
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt';
import * as grpc from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { NetworkService } from '#proto/queqiao/network/v1/network_service';
import { type Fixture, startFixture } from './fixture.ts';

// Fields of grpc.reflection.v1.ServerReflectionRequest and -Response.
const FILE_BY_NAME = 3;
const FILE_OF_SYMBOL = 4;
const LIST_SERVICES = 7;
const FILES = 4;
const SERVICES = 6;

describe('reflection', () => {
  it('lists the services, without a key', async () => {
    await using it = await startFixture({}, reflecting);
    const [list = Buffer.alloc(0)] = bytesIn(await ask(it, LIST_SERVICES, '*'), SERVICES);
    const names = bytesIn(list, 1).map((service) => String(bytesIn(service, 1)[0]));
    expect(names.sort()).toEqual(['grpc.health.v1.Health', 'queqiao.network.v1.NetworkService']);
  });

  it('serves a service’s file with all it depends on, named as in proto/', async () => {
    await using it = await startFixture({}, reflecting);
    const files = await filesFor(it, FILE_OF_SYMBOL, NetworkService.typeName);
    const names = files.map(({ name }) => name);
    expect(names[0]).toBe('queqiao/network/v1/network_service.proto');
    expect(names).toContain('queqiao/type/v1/location.proto');
    expect(names).toContain('google/protobuf/timestamp.proto');
    // What grpcurl does next: link the files and look the method up.
    const set = create(FileDescriptorSetSchema, { file: dependenciesFirst(files) });
    const registry = createFileRegistry(set);
    const { method } = registry.getService(NetworkService.typeName) ?? {};
    expect(Object.keys(method ?? {})).toEqual(Object.keys(NetworkService.method));
    const merchant = registry.getMessage('queqiao.network.v1.Merchant');
    expect(merchant?.fields.map(({ name, number }) => [name, number])).toContainEqual([
      'merchant_id',
      1,
    ]);
  });

  it('serves a file by its name', async () => {
    await using it = await startFixture({}, reflecting);
    const wanted = 'queqiao/network/v1/merchant.proto';
    const files = await filesFor(it, FILE_BY_NAME, wanted);
    expect(files[0]).toMatchObject({ name: wanted, package: 'queqiao.network.v1' });
    expect(files[0]?.dependency).toEqual(['google/protobuf/timestamp.proto']);
  });

  it('is not there unless it is asked for', async () => {
    await using it = await startFixture({});
    await expect(ask(it, LIST_SERVICES, '*')).rejects.toMatchObject({
      code: grpc.status.UNIMPLEMENTED,
    });
  });
});

const reflecting = { reflection: true, health: { check: async () => true } };

function ask(it: Fixture, field: number, text: string): Promise<Buffer> {
  const request = new BinaryWriter().tag(field, WireType.LengthDelimited).string(text).finish();
  const path = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
  const asIs = (bytes: Buffer) => bytes;
  return new Promise((resolve, reject) => {
    const stream = it.raw().makeBidiStreamRequest(path, asIs, asIs);
    stream.on('error', reject);
    stream.on('data', (bytes: Buffer) => {
      stream.end();
      resolve(bytes);
    });
    stream.write(Buffer.from(request));
  });
}

async function filesFor(it: Fixture, field: number, text: string): Promise<FileDescriptorProto[]> {
  const [answer = Buffer.alloc(0)] = bytesIn(await ask(it, field, text), FILES);
  return bytesIn(answer, 1).map((file) => fromBinary(FileDescriptorProtoSchema, file));
}

function dependenciesFirst(files: FileDescriptorProto[]): FileDescriptorProto[] {
  const sorted = new Set<FileDescriptorProto>();
  const add = (file: FileDescriptorProto) => {
    for (const each of files) if (file.dependency.includes(each.name)) add(each);
    sorted.add(file);
  };
  files.forEach(add);
  return [...sorted];
}

/** All values of one field of an encoded message. */
function bytesIn(message: Uint8Array, field: number): Buffer[] {
  const reader = new BinaryReader(message);
  const found: Buffer[] = [];
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (number === field) found.push(Buffer.from(reader.bytes()));
    else reader.skip(type, number);
  }
  return found;
}
