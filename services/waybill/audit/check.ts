const EXAMPLES_MAX = 5;

/**
 * One invariant under examination: how many things were looked at, how many break it, and the first
 * of those. Examples are numbers and ids, never what belongs to a person.
 */
export class Check {
  readonly name: CheckName;
  examinedCount = 0;
  violationCount = 0;
  readonly examples: string[] = [];

  constructor(name: CheckName) {
    this.name = name;
  }

  /** Something was looked at; `fault` says what is wrong with it, undefined that it is well. */
  examine(fault: string | undefined): void {
    this.examinedCount += 1;
    if (fault !== undefined) this.violate(fault);
  }

  /** What is wrong, of something that is counted elsewhere. */
  violate(example: string): void {
    this.violationCount += 1;
    if (this.examples.length < EXAMPLES_MAX) this.examples.push(example);
  }
}

/** Every check with what it claims; the invariants are those that README.md names. */
export const CHECKS = {
  'numbers-unique': row('I1', 'no number belongs to two waybills', '单号不重复'),
  'parcel-keys-unique': row('I3', 'no parcel key has two waybills', '同一包裹只有一个单号'),
  'parcel-in-bucket': row('I3', 'every waybill lies where its key leads', '面单位于其键所指的桶'),
  'number-in-lease': row(
    'I4',
    'every number lies in a lease of its own bucket',
    '单号位于本桶租约内',
  ),
  'number-in-range': row(
    'I4',
    "every number is of a range of its courier's that the merchant may use",
    '单号属于快递公司的号段',
  ),
  'leases-disjoint': row('I4', 'no two leases share a number', '租约互不重叠'),
  'leases-in-range': row('I4', 'every lease lies in its number range', '租约位于号段内'),
  'cursor-beyond-leases': row('I4', 'nothing beyond the cursor is leased', '游标之后没有租约'),
  'check-digit': row('I5', 'every check digit is right', '校验位正确'),
  'cancelled-final': row(
    'I5',
    'a cancelled number stays cancelled, and is announced once',
    '已取消的单号不再使用',
  ),
  'data-key-present': row('I2', "every waybill's data key is its merchant's", '数据密钥齐全'),
  'issued-announced': row(
    'I12',
    'every issued waybill is in exactly one event, and every event tells of a waybill',
    '每张面单恰有一个事件',
  ),
  'outbox-in-stream': row('I14', 'every published event is in the stream', '已发布事件都在流中'),
  'stream-in-outbox': row('I14', 'the stream has no event of its own', '流中没有多余事件'),
  'client-log': row('I2', 'every number a client was told is stored', '客户端收到的单号均已入库'),
} as const satisfies Record<string, CheckText>;

function row(invariant: string, en: string, zh: string): CheckText {
  return { invariant, en, zh };
}

export type CheckName = keyof typeof CHECKS;
type CheckText = { invariant: string; en: string; zh: string };
