import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Bus } from '#libs/bus';
import { replayEvents } from '#libs/db';
import { type Audited, openAudited } from './audit.fixture.ts';
import { type AuditReport, missingEvents } from './audit.ts';
import { DATABASE_FAULTS } from './audit-faults.fixture.ts';

// Every check is shown the one corruption that it is for, planted in a real system by another hand,
// and must name it; then the corruption is taken back, and all is well again.

let a: Audited;

beforeAll(async () => {
  a = await openAudited();
  await vi.waitUntil(async () => (await a.audit()).waitingEventCount === 0, { timeout: 20_000 });
});

afterAll(async () => {
  await a?.[Symbol.asyncDispose]();
});

describe('the audit of a system that is well', () => {
  it('passes, and has looked at everything', async () => {
    const report = await a.audit();
    expect(brokenOf(report)).toEqual([]);
    expect(report.isWell).toBe(true);
    const examined = Object.fromEntries(report.checks.map((c) => [c.name, c.examinedCount]));
    expect(examined).toMatchObject({
      'numbers-unique': 340,
      'parcel-keys-unique': 340,
      'parcel-in-bucket': 340,
      'number-in-lease': 340,
      'number-in-range': 340,
      'check-digit': 340,
      'data-key-present': 340,
      'issued-announced': 340,
      'cancelled-final': 3,
      'client-log': 340,
    });
    for (const { name, examinedCount } of report.checks)
      expect([name, examinedCount > 0]).toEqual([name, true]);
    const sums = report.hours.map((h) => [h.outbox_count, h.outbox_hash]);
    expect(report.hours.map((h) => [h.stream_count, h.stream_hash])).toEqual(sums);
    expect(sums.flat().every((sum) => sum > 0)).toBe(true);
  });

  it('sees one moment while others write', async () => {
    const writing = a.issue({ of: a.other, tag: 'LIVE', count: 400, size: 20 });
    const reports = [await a.audit(), await a.audit(), await a.audit()];
    await writing;
    // The log ran ahead of the first reports; all else must be well at every moment.
    for (const report of reports) {
      expect(brokenOf(report).filter((name) => name !== 'client-log')).toEqual([]);
    }
    await expect.poll(async () => (await a.audit()).isWell, { timeout: 20_000 }).toBe(true);
  });
});

describe('the audit names', () => {
  it.each(DATABASE_FAULTS)('$what', async ({ plant, undo, broken, example }) => {
    await plant(a);
    try {
      const report = await a.audit();
      expect(brokenOf(report).toSorted()).toEqual(broken.toSorted());
      expect(report.isWell).toBe(false);
      const [first] = broken;
      const check = report.checks.find(({ name }) => name === first);
      if (example) expect(check?.examples.join('\n')).toMatch(example(a));
    } finally {
      await undo(a);
    }
    expect(brokenOf(await a.audit())).toEqual([]);
  });

  it('an event that the stream has lost, and which ones to publish again', async () => {
    await a.stream.deleteMessage(2);
    const report = await a.audit();
    expect(brokenOf(report)).toEqual(['outbox-in-stream']);
    expect(report.missingEventCount).toBe(1);
    const [hour] = report.hours;
    expect(hour?.outbox_count).toBe((hour?.stream_count ?? 0) + 1);
    const lacking = await missingEvents(a);
    const [id = ''] = report.checks.find((c) => c.name === 'outbox-in-stream')?.examples ?? [];
    expect([lacking.count, lacking.has(id), lacking.has(randomUUID())]).toEqual([1, true, false]);
    await expect
      .poll(async () => {
        // Within two minutes the stream would drop the repeat: it is made anew, and filled again.
        await a.stream.deleteStream();
        await a.bus.publish([{ ...foreign(), type: 'x' }]).catch(() => undefined);
        return await a.stream.count().catch(() => -1);
      })
      .toBeGreaterThanOrEqual(0);
    const publish = async (events: Parameters<Bus['publish']>[0]) =>
      void (await a.bus.publish(events));
    const all = { from: new Date(0), to: new Date('9999-01-01') };
    await replayEvents({ pool: a.pool, schema: 'waybill', publish }, all);
    expect((await a.audit()).missingEventCount).toBe(0);
  });

  it('an event of which no outbox knows', async () => {
    const event = foreign();
    const sequence = await a.stream.publish(event);
    const report = await a.audit();
    expect(brokenOf(report)).toContain('stream-in-outbox');
    const check = report.checks.find(({ name }) => name === 'stream-in-outbox');
    expect(check?.examples).toContain(`${event.eventId} is in no outbox`);
    await a.stream.deleteMessage(sequence);
  });

  it('a number that a client was told and that is not there, and a key told twice', async () => {
    const [first, second] = a.told;
    const lying = [
      ...a.told,
      { line: 9_001, orderRef: 'NEVER', parcelNo: 1, number: String(first?.number) },
      {
        line: 9_002,
        orderRef: String(first?.orderRef),
        parcelNo: 1,
        number: String(second?.number),
      },
    ];
    const report = await a.audit(lying);
    expect(brokenOf(report)).toContain('client-log');
    const check = report.checks.find(({ name }) => name === 'client-log');
    expect(check?.examples).toEqual([
      expect.stringContaining('line 9002:'),
      'line 9001: not in the database',
    ]);
  });
});

function brokenOf({ checks }: AuditReport): string[] {
  return checks.filter(({ violationCount }) => violationCount > 0).map(({ name }) => name);
}

function foreign() {
  const payload = Buffer.from('foreign');
  return { eventId: randomUUID(), subject: 'queqiao.v1.waybill.nobody.issued', payload };
}
