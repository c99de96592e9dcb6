import { invalid } from '#libs/errors';
import {
  type AddedService,
  type AddedServiceAttribute,
  AddedServiceAttribute_Type,
} from '#proto/queqiao/network/v1/courier';
import { inRange, match, text, word } from './field.ts';

/** An added service as a courier declares it, valid and named as the column's JSON is. */
export type AddedServiceDraft = {
  code: string;
  display_name: string;
  attributes: AttributeDraft[];
  service_codes: string[];
  required: boolean;
};

type AttributeDraft = {
  name: string;
  type: keyof typeof TYPES;
  required: boolean;
  /** Numbers of JSON hold them exactly. */
  min?: number;
  max?: number;
  max_length: number;
  values: string[];
};

/** The valid form of what a courier declares; `offered` are the codes of its services. */
export function parseAddedServices(
  field: string,
  services: AddedService[],
  offered: ReadonlySet<string>,
): AddedServiceDraft[] {
  mustHave(field, services, 0, SERVICES_MAX);
  mustDiffer(field, 'code', services);
  return services.map((service, i) => {
    const path = `${field}[${i}]`;
    const { attributes, serviceCodes } = service;
    mustHave(`${path}.attributes`, attributes, 0, ATTRIBUTES_MAX);
    mustDiffer(`${path}.attributes`, 'name', attributes);
    return {
      code: match(`${path}.code`, service.code, CODE, 'SERVICE_CODE'),
      display_name: text(`${path}.display_name`, service.displayName, 1, 40),
      attributes: attributes.map((each, k) => parseAttribute(`${path}.attributes[${k}]`, each)),
      service_codes: parseServiceCodes(`${path}.service_codes`, serviceCodes, offered),
      required: service.required,
    };
  });
}

function parseServiceCodes(field: string, codes: string[], offered: ReadonlySet<string>): string[] {
  for (const [i, code] of codes.entries()) {
    if (!offered.has(code)) throw invalid(`${field}[${i}]`, 'UNKNOWN_VALUE');
    if (codes.indexOf(code) < i) throw invalid(`${field}[${i}]`, 'REPEATED');
  }
  return codes;
}

function parseAttribute(field: string, attribute: AddedServiceAttribute): AttributeDraft {
  const { required, maxLength, values } = attribute;
  const name = match(`${field}.name`, attribute.name, ATTRIBUTE_NAME, 'ATTRIBUTE_NAME');
  const type = word(`${field}.type`, attribute.type, TYPES);
  if (type !== 'integer') {
    if (attribute.min !== undefined) throw invalid(`${field}.min`, 'NOT_ALLOWED');
    if (attribute.max !== undefined) throw invalid(`${field}.max`, 'NOT_ALLOWED');
  }
  if (type !== 'text' && maxLength !== 0) throw invalid(`${field}.max_length`, 'NOT_ALLOWED');
  inRange(`${field}.max_length`, maxLength, 0, TEXT_MAX);
  if (type === 'enum') parseValues(`${field}.values`, values);
  else mustHave(`${field}.values`, values, 0, 0);
  return { name, type, required, ...parseBounds(field, attribute), max_length: maxLength, values };
}

function parseBounds(
  field: string,
  { min, max }: AddedServiceAttribute,
): { min?: number; max?: number } {
  if (min !== undefined) inRange(`${field}.min`, min, -INTEGER_MAX, INTEGER_MAX);
  if (max !== undefined) inRange(`${field}.max`, max, min ?? -INTEGER_MAX, INTEGER_MAX);
  return {
    ...(min !== undefined && { min: Number(min) }),
    ...(max !== undefined && { max: Number(max) }),
  };
}

function parseValues(field: string, values: string[]): void {
  mustHave(field, values, 1, VALUES_MAX);
  for (const [i, value] of values.entries()) {
    text(`${field}[${i}]`, value, 1, 40);
    if (values.indexOf(value) < i) throw invalid(`${field}[${i}]`, 'REPEATED');
  }
}

function mustHave(field: string, list: unknown[], min: number, max: number): void {
  if (list.length < min || list.length > max) throw invalid(field, 'LIST_SIZE', { min, max });
}

function mustDiffer<Key extends string>(
  field: string,
  key: Key,
  entries: Record<Key, string>[],
): void {
  const names = entries.map((entry) => entry[key]);
  const again = names.findIndex((name, i) => names.indexOf(name) < i);
  if (again >= 0) throw invalid(`${field}[${again}].${key}`, 'REPEATED');
}

/** The contents of a message, as the row holds them. */
export function addedServiceToMessage(row: AddedServiceDraft) {
  return {
    code: row.code,
    displayName: row.display_name,
    serviceCodes: row.service_codes,
    required: row.required,
    attributes: row.attributes.map(({ name, type, required, min, max, max_length, values }) => ({
      name,
      type: TYPES[type],
      required,
      ...(min !== undefined && { min: BigInt(min) }),
      ...(max !== undefined && { max: BigInt(max) }),
      maxLength: max_length,
      values,
    })),
  };
}

const TYPES = {
  integer: AddedServiceAttribute_Type.INTEGER,
  text: AddedServiceAttribute_Type.TEXT,
  enum: AddedServiceAttribute_Type.ENUM,
} as const;

const SERVICES_MAX = 20;
const ATTRIBUTES_MAX = 20;
const VALUES_MAX = 50;
const TEXT_MAX = 200;
const INTEGER_MAX = 1_000_000_000_000n;
const CODE = /^[a-z0-9-]{1,32}$/;
const ATTRIBUTE_NAME = /^[a-z][a-z0-9_]{0,39}$/;
