import { create } from '@bufbuild/protobuf';
import { InvalidArgumentError } from 'commander';
import {
  type AddedService,
  AddedServiceSchema,
  type AttributeValue,
} from '#proto/queqiao/waybill/v1/waybill';

/** Help for an option that addedServiceOf reads. */
export const ADDED_SERVICE_HELP =
  'code, or code:attribute=value,…; digits are a number, a "text" stands in quotes, other words ' +
  'are choices: cod:amount_fen=9900; may be repeated';

/** Gathers added services as one writes them on a command line: `cod:amount_fen=9900`. */
export function addedServiceOf(text: string, before: AddedService[] = []): AddedService[] {
  const [, code = '', rest] = /^([^:]+)(?::(.+))?$/.exec(text) ?? [];
  if (code === '') throw new InvalidArgumentError('Write it as code:attribute=value,…');
  const attributes = Object.fromEntries((rest?.match(PAIRS) ?? []).map(toAttribute));
  return [...before, create(AddedServiceSchema, { code, attributes })];
}

function toAttribute(pair: string): [string, { value: Value }] {
  const [, name = '', value = ''] = /^([^=]+)=(.+)$/.exec(pair) ?? [];
  if (name === '') throw new InvalidArgumentError(`"${pair}" is not attribute=value.`);
  const quoted = /^"(.*)"$/.exec(value)?.[1];
  if (quoted !== undefined) return [name, { value: { case: 'text', value: quoted } }];
  if (/^-?\d{1,18}$/.test(value)) {
    return [name, { value: { case: 'integer', value: BigInt(value) } }];
  }
  return [name, { value: { case: 'choice', value } }];
}

/** The same for people to read. */
export function addedServiceText({ code, attributes }: AddedService): string {
  const pairs = Object.entries(attributes).map(([name, { value }]) =>
    value.case === 'text' ? `${name}="${value.value}"` : `${name}=${value.value ?? ''}`,
  );
  return pairs.length === 0 ? code : `${code}:${pairs.join(',')}`;
}

/** Between commas, except in quotes. */
const PAIRS = /(?:"[^"]*"|[^,"])+/g;

type Value = AttributeValue['value'];
