import type { Module } from '../module.ts';
import { DataKeys } from './data-keys.ts';
import { openIssuing } from './issue.ts';
import { NumberPool } from './lease.ts';
import { NumberDirectory } from './number-directory.ts';
import { waybillService } from './service.ts';
import { withShipments } from './shipment.ts';
import { vaultService } from './vault-service.ts';

/** Issues, reads and cancels e-waybills. */
export const waybill: Module = {
  name: 'waybill',
  migrations: ['services/waybill/migrations'],
  stream: 'QUEQIAO_WAYBILL',

  async start({ pool, relay, directory, secrets, now }) {
    const numbers = new NumberPool({ pool, now });
    const { keyring } = secrets;
    const dataKeys = new DataKeys({ pool, keyring, now });
    const numberDirectory = new NumberDirectory(pool);
    const deps = { pool, directory, numbers, numberDirectory, dataKeys, keyring, relay, now };
    const issuing = openIssuing(deps);
    return {
      services: [
        waybillService({ ...deps, issue: withShipments(deps, issuing.issue) }),
        vaultService(deps),
      ],
      check: async () => (await pool.query('select 1')).length === 1,
      async [Symbol.asyncDispose]() {
        // Unused numbers go back after the last write that may use one.
        await issuing[Symbol.asyncDispose]();
        await numbers[Symbol.asyncDispose]();
      },
    };
  },
};
