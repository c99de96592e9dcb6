import { create, type MessageInitShape } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RpcError } from '#libs/errors';
import {
  type Courier,
  CourierSchema,
  AddedServiceAttribute_Type as Type,
} from '#proto/queqiao/network/v1/courier';
import { type AddedService, AddedServiceSchema } from '#proto/queqiao/waybill/v1/waybill';
import {
  addedServicesKey,
  checkAddedServices,
  offerOf,
  parseAddedServices,
} from './added-service.ts';

const COURIER = create(CourierSchema, {
  courierId: 'swift',
  addedServices: [
    {
      code: 'cod',
      attributes: [
        { name: 'amount_fen', type: Type.INTEGER, required: true, min: 1n, max: 500_000n },
      ],
    },
    {
      code: 'cold-chain',
      serviceCodes: ['standard'],
      attributes: [
        { name: 'temperature_min_decic', type: Type.INTEGER, required: true },
        { name: 'temperature_max_decic', type: Type.INTEGER, required: true },
        { name: 'note', type: Type.TEXT, maxLength: 5 },
      ],
    },
    {
      code: 'freight',
      serviceCodes: ['freight'],
      required: true,
      attributes: [{ name: 'package', type: Type.ENUM, required: true, values: ['托盘', '木箱'] }],
    },
  ],
});

function asked(...services: Init[]): AddedService[] {
  return services.map((service) => create(AddedServiceSchema, service));
}

const integer = (value: bigint) => ({ value: { case: 'integer' as const, value } });
const text = (value: string) => ({ value: { case: 'text' as const, value } });
const choice = (value: string) => ({ value: { case: 'choice' as const, value } });

const cod = (amount_fen: bigint): Init => ({
  code: 'cod',
  attributes: { amount_fen: integer(amount_fen) },
});
const cold = (min: bigint, max: bigint, more = {}): Init => ({
  code: 'cold-chain',
  attributes: {
    ...{ temperature_min_decic: integer(min), temperature_max_decic: integer(max) },
    ...more,
  },
});

/** Reason (or problem) and field; undefined if nothing is wrong. */
function fault(serviceCode: string, services: AddedService[], courier: Courier = COURIER) {
  try {
    parseAddedServices(services);
    checkAddedServices(offerOf(courier, serviceCode), services);
    return undefined;
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    return [error.metadata['problem'] ?? error.reason, error.field];
  }
}

describe('added services', () => {
  it('are taken as declared', () => {
    expect(fault('standard', asked(cod(1n), cold(-180n, -180n, { note: text('冷') })))).toBe(
      undefined,
    );
    const freight = { code: 'freight', attributes: { package: choice('木箱') } };
    expect(fault('freight', asked(freight, cod(500_000n)))).toBe(undefined);
    expect(fault('standard', [])).toBe(undefined);
  });

  const path = 'added_services[0]';
  const amount = `${path}.attributes.amount_fen`;
  it.each<[string, string, Init[]]>([
    ['REQUIRED', `${path}.code`, [{ code: '' }]],
    ['SERVICE_CODE', `${path}.code`, [{ code: 'C O D' }]],
    ['REPEATED', 'added_services[1].code', [cod(1n), cod(1n)]],
    ['LIST_SIZE', 'added_services', Array.from({ length: 11 }, (_, i) => ({ code: `s${i}` }))],
    ['ADDED_SERVICE_NOT_OFFERED', `${path}.code`, [{ code: 'gold' }]],
    ['ADDED_SERVICE_NOT_OFFERED', `${path}.code`, [{ code: 'freight' }]],
    ['REQUIRED', amount, [{ code: 'cod' }]],
    ['REQUIRED', amount, [{ code: 'cod', attributes: { amount_fen: {} } }]],
    ['OUT_OF_RANGE', amount, [cod(0n)]],
    ['OUT_OF_RANGE', amount, [cod(500_001n)]],
    ['ATTRIBUTE_TYPE', amount, [{ code: 'cod', attributes: { amount_fen: text('9') } }]],
    ['ATTRIBUTE_TYPE', amount, [{ code: 'cod', attributes: { amount_fen: choice('9') } }]],
    [
      'ATTRIBUTE_UNKNOWN',
      `${path}.attributes.fee_fen`,
      [{ code: 'cod', attributes: { amount_fen: integer(1n), fee_fen: integer(1n) } }],
    ],
    ['ATTRIBUTE_UNKNOWN', `${path}.attributes`, [{ code: 'cod', attributes: { 'a b': text('') } }]],
    ['ABOVE_MAX', `${path}.attributes.temperature_min_decic`, [cold(41n, 40n)]],
    ['TOO_LONG', `${path}.attributes.note`, [cold(0n, 40n, { note: text('六个字的备注') })]],
    ['CHARACTER_ILLEGAL', `${path}.attributes.note`, [cold(0n, 40n, { note: text('<') })]],
    [
      'LIST_SIZE',
      `${path}.attributes`,
      [
        {
          code: 'cod',
          attributes: Object.fromEntries(
            Array.from({ length: 21 }, (_, i) => [`a${i}`, integer(1n)]),
          ),
        },
      ],
    ],
  ])('answer %s at %s', (problem, field, services) => {
    expect(fault('standard', asked(...services))).toEqual([problem, field]);
  });

  it('are not what their name says by chance', () => {
    for (const name of ['constructor', 'tostring', 'valueof']) {
      const services = asked({ code: 'cod', attributes: { [name]: integer(1n) } });
      expect(fault('standard', services)).toEqual([
        'ATTRIBUTE_UNKNOWN',
        `${path}.attributes.${name}`,
      ]);
    }
  });

  it('name the words to choose from, and the one that is needed', () => {
    const wrong = asked({ code: 'freight', attributes: { package: choice('纸箱') } });
    expect(fault('freight', wrong)).toEqual(['ONE_OF', `${path}.attributes.package`]);
    expect(fault('freight', asked(cod(1n)))).toEqual(['ADDED_SERVICE_REQUIRED', 'added_services']);
  });

  it('of any integer bounds take exactly what lies between', () => {
    const bound = fc.bigInt({ min: -1_000n, max: 1_000n });
    fc.assert(
      fc.property(bound, bound, bound, (a, b, value) => {
        const [min, max] = a < b ? [a, b] : [b, a];
        const attributes = [{ name: 'a_g', type: Type.INTEGER, min, max }];
        const courier = create(CourierSchema, { addedServices: [{ code: 'x', attributes }] });
        const services = asked({ code: 'x', attributes: { a_g: integer(value) } });
        const isInside = min <= value && value <= max;
        expect(fault('any', services, courier) === undefined).toBe(isInside);
      }),
    );
  });

  it('of any declaration take what fits it and refuse any other type', () => {
    const declared = fc.record({
      name: fc.stringMatching(/^[a-z][a-z0-9_]{0,10}$/),
      type: fc.constantFrom(Type.INTEGER, Type.TEXT, Type.ENUM),
      required: fc.boolean(),
    });
    const given = fc.constantFrom(integer(7n), text('七'), choice('七'), undefined);
    const fits = { [Type.INTEGER]: 'integer', [Type.TEXT]: 'text', [Type.ENUM]: 'choice' };
    fc.assert(
      fc.property(declared, given, (attribute, value) => {
        const values = attribute.type === Type.ENUM ? ['七'] : [];
        const attributes = [{ ...attribute, values }];
        const courier = create(CourierSchema, { addedServices: [{ code: 'x', attributes }] });
        const services = asked({
          code: 'x',
          attributes: value === undefined ? {} : { [attribute.name]: value },
        });
        const isRight = value === undefined ? !attribute.required : undefined;
        const type = value?.value.case;
        expect(fault('any', services, courier) === undefined).toBe(
          isRight ?? type === fits[attribute.type],
        );
      }),
    );
  });

  it('have a key that knows their contents, not their order', () => {
    const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,3}$/), { maxLength: 4 });
    const list = names.chain((codes) =>
      fc.tuple(
        ...codes.map((code) =>
          fc.dictionary(fc.stringMatching(/^[a-z]{1,2}$/), fc.bigInt(0n, 3n)).map((values) => ({
            code,
            attributes: Object.fromEntries(
              Object.entries(values).map(([name, value]) => [name, integer(value)]),
            ),
          })),
        ),
      ),
    );
    fc.assert(
      fc.property(list, (services) => {
        const turned = services.toReversed().map(({ code, attributes }) => ({
          code,
          attributes: Object.fromEntries(Object.entries(attributes).toReversed()),
        }));
        const key = addedServicesKey(asked(...services));
        expect(addedServicesKey(asked(...turned))).toBe(key);
        expect(key === '').toBe(services.length === 0);
        const changed = services.map(({ code, attributes }, i) => ({
          code,
          attributes: i === 0 ? { ...attributes, a: integer(9n) } : attributes,
        }));
        expect(addedServicesKey(asked(...changed)) === key).toBe(services.length === 0);
      }),
    );
    const asText = asked({ code: 'x', attributes: { a: text('1') } });
    const asNumber = asked({ code: 'x', attributes: { a: integer(1n) } });
    expect(addedServicesKey(asText)).not.toBe(addedServicesKey(asNumber));
  });
});

type Init = Exclude<MessageInitShape<typeof AddedServiceSchema>, { $typeName: string }>;
