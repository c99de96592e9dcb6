import { LabelPress } from '#libs/label';
import type { Module } from '../module.ts';
import { Accounts } from './account.ts';
import { accountService } from './account-service.ts';
import { addressService } from './address-service.ts';
import { DataKeys } from './data-keys.ts';
import { openIssuing } from './issue.ts';
import { labelService } from './label-service.ts';
import { NumberPool } from './lease.ts';
import { NumberDirectory } from './number-directory.ts';
import { Quotas } from './quota.ts';
import { waybillService } from './service.ts';
import { withShipments } from './shipment.ts';
import { vaultService } from './vault-service.ts';

/** Issues, reads and cancels e-waybills. */
export const waybill: Module = {
  name: 'waybill',
  migrations: ['services/waybill/migrations'],
  stream: 'QUEQIAO_WAYBILL',

  async start({ pool, relay, directory, secrets, settings, log, now }) {
    const numbers = new NumberPool({ pool, now });
    const { keyring } = secrets;
    const dataKeys = new DataKeys({ pool, keyring, now });
    const numberDirectory = new NumberDirectory(pool);
    const accounts = new Accounts({ pool, cancelRatio: settings.cancelRatio, log, now });
    const keys = { dataKeys, keyring };
    const { labelSigner: signer, labelKeys } = secrets;
    const press = new LabelPress();
    const labels = { press, signer, keys: labelKeys, printsMax: settings.labelPrintsMax };
    const common = { pool, directory, accounts, relay, labels, now };
    const deps = { ...common, numbers, numberDirectory, ...keys };
    const issuing = openIssuing(deps);
    const quotas = new Quotas({ pool, now });
    const issue = quotas.limit(withShipments(deps, issuing.issue));
    return {
      services: [
        waybillService({ ...deps, issue }),
        accountService(deps),
        vaultService(deps),
        labelService(deps),
        addressService(deps),
      ],
      check: async () => (await pool.query('select 1')).length === 1,
      async [Symbol.asyncDispose]() {
        // Unused numbers go back after the last write that may use one.
        await issuing[Symbol.asyncDispose]();
        await numbers[Symbol.asyncDispose]();
        await quotas[Symbol.asyncDispose]();
        await accounts[Symbol.asyncDispose]();
        await press[Symbol.asyncDispose]();
      },
    };
  },
};
