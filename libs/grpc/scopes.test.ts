import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { DescService } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { projectFile } from '#libs/run';
import { KIND_SCOPES, METHOD_SCOPES } from './index.ts';

/** Every service of the contract, found in the generated files themselves. */
async function services(): Promise<DescService[]> {
  const folder = projectFile('proto', 'gen');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const modules = files
    .filter((file) => file.endsWith('_pb.ts'))
    .map((file): Promise<object> => import(join(folder, file)));
  const exported = (await Promise.all(modules)).flatMap((module) => Object.values(module));
  return exported.filter((each) => each.kind === 'service');
}

async function methodsWithoutScope(table: Readonly<Record<string, string>>): Promise<string[]> {
  const methods = (await services()).flatMap(({ typeName, methods: all }) =>
    all.map(({ name }) => `${typeName}/${name}`),
  );
  return methods.filter((method) => table[method] === undefined);
}

describe('the table of scopes', () => {
  it('has every method of every service', async () => {
    expect(await methodsWithoutScope(METHOD_SCOPES)).toEqual([]);
  });

  it('would show a method that is missing', async () => {
    const gone = 'queqiao.waybill.v1.WaybillService/CancelWaybill';
    const { [gone]: _, ...table } = METHOD_SCOPES;
    expect(await methodsWithoutScope(table)).toEqual([gone]);
  });

  it('has no method that does not exist', async () => {
    expect(await methodsWithoutScope({})).toEqual(
      expect.arrayContaining(Object.keys(METHOD_SCOPES)),
    );
  });

  it('asks for no scope that nobody may hold', () => {
    const held = new Set(Object.values(KIND_SCOPES).flatMap((scopes) => [...scopes]));
    expect(held).toEqual(new Set(Object.values(METHOD_SCOPES)));
  });

  it('lets nobody but services ask whom a key belongs to', () => {
    const kinds = Object.entries(KIND_SCOPES).filter(([, all]) => all.has('key.authenticate'));
    expect(kinds.map(([kind]) => kind)).toEqual(['service']);
  });

  it('lets merchants and couriers change nothing of the network or of keys', () => {
    for (const kind of ['merchant', 'courier'] as const) {
      for (const scope of KIND_SCOPES[kind]) expect(scope).not.toMatch(/^key\.|network\.write/);
    }
  });
});
