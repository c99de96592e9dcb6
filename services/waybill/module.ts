import type { Module } from '../module.ts';
import { DataKeys } from './data-keys.ts';
import { openIssuing } from './issue.ts';
import { NumberPool } from './lease.ts';
import { NumberDirectory } from './number-directory.ts';
import { Quotas } from './quota.ts';
import { waybillService } from './service.ts';

/** Issues, reads and cancels e-waybills. */
export const waybill: Module = {
  name: 'waybill',
  migrations: ['services/waybill/migrations'],
  stream: 'QUEQIAO_WAYBILL',

  async start({ pool, relay, directory, secrets, now }) {
    const numbers = new NumberPool({ pool, now });
    const dataKeys = new DataKeys({ pool, masterKey: secrets.masterKey, now });
    const numberDirectory = new NumberDirectory(pool);
    const deps = { pool, directory, numbers, numberDirectory, dataKeys, relay, now };
    const issuing = openIssuing(deps);
    const quotas = new Quotas({ pool, now });
    return {
      services: [waybillService({ ...deps, issue: quotas.limit(issuing.issue) })],
      check: async () => (await pool.query('select 1')).length === 1,
      async [Symbol.asyncDispose]() {
        // Unused numbers go back after the last write that may use one.
        await issuing[Symbol.asyncDispose]();
        await numbers[Symbol.asyncDispose]();
        await quotas[Symbol.asyncDispose]();
      },
    };
  },
};
