import { invalid, RpcError } from '#libs/errors';
import {
  AddedServiceAttribute_Type,
  type Courier,
  type AddedServiceAttribute as Declared,
} from '#proto/queqiao/network/v1/courier';
import type { AddedService, AttributeValue } from '#proto/queqiao/waybill/v1/waybill';
import { mustBeText } from './field.ts';

/** Limits of the contract; proto/queqiao/waybill/v1/waybill.proto says the same. */
const SERVICES_MAX = 10;
const ATTRIBUTES_MAX = 20;
const TEXT_MAX = 200;

/** Checks what can be said of a parcel's added services without their courier. */
export function parseAddedServices(services: AddedService[]): void {
  if (services.length > SERVICES_MAX) {
    throw invalid('added_services', 'LIST_SIZE', { min: 0, max: SERVICES_MAX });
  }
  for (const [i, { code, attributes }] of services.entries()) {
    const path = `added_services[${i}]`;
    if (code === '') throw invalid(`${path}.code`, 'REQUIRED');
    if (!CODE.test(code)) throw invalid(`${path}.code`, 'SERVICE_CODE');
    if (services.findIndex((other) => other.code === code) < i) {
      throw invalid(`${path}.code`, 'REPEATED');
    }
    const entries = Object.entries(attributes);
    if (entries.length > ATTRIBUTES_MAX) {
      throw invalid(`${path}.attributes`, 'LIST_SIZE', { min: 0, max: ATTRIBUTES_MAX });
    }
    for (const [name, { value }] of entries) {
      // A name that cannot be one is not put into a path.
      if (!ATTRIBUTE_NAME.test(name)) throw invalid(`${path}.attributes`, 'ATTRIBUTE_UNKNOWN');
      const field = `${path}.attributes.${name}`;
      if (value.case === undefined) throw invalid(field, 'REQUIRED');
      if (value.case !== 'integer') mustBeText(field, value.value, 0, TEXT_MAX);
    }
  }
}

/** What a courier declares for one of its services. */
export function offerOf({ courierId, addedServices }: Courier, serviceCode: string): Offer {
  const offered = addedServices.filter(
    ({ serviceCodes }) => serviceCodes.length === 0 || serviceCodes.includes(serviceCode),
  );
  return { courierId, serviceCode, offered };
}

/** Checks a parcel's added services against what its courier declares. */
export function checkAddedServices(offer: Offer, asked: AddedService[]): void {
  const { courierId, serviceCode, offered } = offer;
  if (asked.length === 0 && offered.length === 0) return;
  const metadata = { courier_id: courierId, service_code: serviceCode };
  for (const [i, { code, attributes }] of asked.entries()) {
    const path = `added_services[${i}]`;
    const declared = offered.find((service) => service.code === code);
    if (declared === undefined) {
      throw new RpcError('ADDED_SERVICE_NOT_OFFERED', {
        field: `${path}.code`,
        metadata: { ...metadata, code },
      });
    }
    checkAttributes(`${path}.attributes`, declared.attributes, attributes);
  }
  const missing = offered.find(
    ({ code, required }) => required && !asked.some((service) => service.code === code),
  );
  if (missing !== undefined) {
    throw new RpcError('ADDED_SERVICE_REQUIRED', {
      field: 'added_services',
      metadata: { ...metadata, code: missing.code },
    });
  }
}

function checkAttributes(path: string, declared: Declared[], given: Attributes): void {
  for (const name of Object.keys(given)) {
    if (!declared.some((attribute) => attribute.name === name)) {
      throw invalid(`${path}.${name}`, 'ATTRIBUTE_UNKNOWN');
    }
  }
  for (const attribute of declared) {
    const field = `${path}.${attribute.name}`;
    const value = given[attribute.name]?.value;
    if (value !== undefined) checkValue(field, attribute, value);
    else if (attribute.required) throw invalid(field, 'REQUIRED');
  }
  checkPairs(path, given);
}

function checkValue(field: string, attribute: Declared, value: AttributeValue['value']): void {
  const { min = -INTEGER_MAX, max = INTEGER_MAX, maxLength, values } = attribute;
  const wanted = TYPES[attribute.type];
  if (value.case === undefined || value.case !== wanted?.case) {
    throw invalid(field, 'ATTRIBUTE_TYPE', { type: wanted?.name ?? 'UNKNOWN' });
  }
  if (value.case === 'integer' && (value.value < min || value.value > max)) {
    throw invalid(field, 'OUT_OF_RANGE', { min: String(min), max: String(max) });
  }
  if (value.case === 'text') {
    mustBeText(field, value.value, attribute.required ? 1 : 0, maxLength || TEXT_MAX);
  }
  if (value.case === 'choice' && !values.includes(value.value)) {
    throw invalid(field, 'ONE_OF', { values: values.join(', ') });
  }
}

/** A least and a greatest value, as of a temperature, must not be crossed. */
function checkPairs(path: string, given: Attributes): void {
  for (const [name, { value }] of Object.entries(given)) {
    const other = name.replace(/(?<=^|_)min(?=_|$)/, 'max');
    const greatest = given[other]?.value;
    if (other === name || value.case !== 'integer' || greatest?.case !== 'integer') continue;
    if (value.value > greatest.value) throw invalid(`${path}.${name}`, 'ABOVE_MAX', { other });
  }
}

/** In one order, so that what means the same is the same. */
export function inOrder(services: AddedService[]): AddedService[] {
  return services.length < 2 ? services : services.toSorted((a, b) => compare(a.code, b.code));
}

/** A text that is the same for two lists exactly if they ask for the same. */
export function addedServicesKey(services: AddedService[]): string {
  if (services.length === 0) return '';
  const plain = inOrder(services).map(({ code, attributes }) => [
    code,
    Object.entries(attributes)
      .toSorted(([a], [b]) => compare(a, b))
      .map(([name, { value }]) => [name, value.case, String(value.value)]),
  ]);
  return JSON.stringify(plain);
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

const TYPES: Partial<Record<AddedServiceAttribute_Type, { case: string; name: string }>> = {
  [AddedServiceAttribute_Type.INTEGER]: { case: 'integer', name: 'INTEGER' },
  [AddedServiceAttribute_Type.TEXT]: { case: 'text', name: 'TEXT' },
  [AddedServiceAttribute_Type.ENUM]: { case: 'choice', name: 'ENUM' },
};

const INTEGER_MAX = 1_000_000_000_000n;
const CODE = /^[a-z0-9-]{1,32}$/;
const ATTRIBUTE_NAME = /^[a-z][a-z0-9_]{0,39}$/;

export type Offer = {
  courierId: string;
  serviceCode: string;
  offered: Courier['addedServices'];
};
type Attributes = AddedService['attributes'];
