import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { streamOf } from './streams.ts';
import { NETWORK_KINDS, parseSubject, SUBJECTS, subjects } from './subjects.ts';

const slug = fc
  .tuple(
    fc.constantFrom(...'abcxyz'),
    fc.string({ unit: fc.constantFrom(...'abz09-'), minLength: 1, maxLength: 31 }),
  )
  .map((parts) => parts.join(''));

describe('subjects', () => {
  it('name the domain, the key and what happened', () => {
    expect(subjects.waybillIssued('sf-express')).toBe('queqiao.v1.waybill.sf-express.issued');
    expect(subjects.waybillCancelled('zto')).toBe('queqiao.v1.waybill.zto.cancelled');
    expect(subjects.rangeReported('zto')).toBe('queqiao.v1.waybill.zto.range_reported');
    expect(subjects.networkChanged('number_range')).toBe('queqiao.v1.network.number_range.changed');
    expect(subjects.waybillIssued('*')).toBe('queqiao.v1.waybill.*.issued');
  });

  it('can be read back, each as what it was made as', () => {
    fc.assert(
      fc.property(slug, fc.constantFrom(...NETWORK_KINDS), (courierId, kind) => {
        for (const name of ['waybillIssued', 'waybillCancelled', 'rangeReported'] as const) {
          expect(parseSubject(subjects[name](courierId))).toEqual({ name, key: courierId });
        }
        const changed = subjects.networkChanged(kind);
        expect(parseSubject(changed)).toEqual({ name: 'networkChanged', key: kind });
      }),
    );
  });

  it('are not made of anything that is no courier id and no kind', () => {
    const wrong = [
      '',
      'a',
      '>',
      'a.b',
      'a*',
      'A-courier',
      '1st',
      'ab ',
      'a_b',
      'é1',
      'a\nb',
      'x'.repeat(33),
    ];
    for (const key of wrong) {
      expect(() => subjects.waybillIssued(key)).toThrow(/courier_id/);
      expect(() => subjects.networkChanged(key as 'courier')).toThrow(/kind/);
      expect(parseSubject(`queqiao.v1.waybill.${key}.issued`)).toBeUndefined();
    }
    fc.assert(
      fc.property(fc.string(), (key) => {
        fc.pre(!/^[a-z][a-z0-9-]{1,31}$/.test(key) && key !== '*');
        expect(() => subjects.waybillCancelled(key)).toThrow();
      }),
    );
  });

  it('that are not ours are not read', () => {
    for (const foreign of [
      '',
      'queqiao.v1.waybill',
      'queqiao.v2.waybill.zto.issued',
      'a.b.c.d.e',
      'queqiao.v1.network.parcel.changed',
      'queqiao.v1.waybill.zto.issued.more',
      'shadow.queqiao.v1.waybill.zto.issued',
    ]) {
      expect(parseSubject(foreign)).toBeUndefined();
    }
  });

  it('all belong to a stream', () => {
    for (const { address } of Object.values(SUBJECTS)) expect(streamOf(address)).toBeDefined();
    expect(streamOf('queqiao.v1.other.x.happened')).toBeUndefined();
    expect(streamOf('queqiao.v1.waybill')).toBeUndefined();
  });
});
