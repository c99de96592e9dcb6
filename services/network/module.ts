import type { Module } from '../module.ts';
import { SCHEMA } from './events.ts';
import { consumeRangeReports } from './range-report.ts';
import { networkService } from './service.ts';

/** Who takes part: merchants, couriers, nodes, number ranges and API keys. */
export const network: Module = {
  name: SCHEMA,
  migrations: ['services/network/migrations'],
  stream: 'QUEQIAO_NETWORK',

  async start({ pool, relay, bus, secrets, log, now }) {
    const deps = { pool, relay, pepper: secrets.apiKeyPepper, now };
    const reports = consumeRangeReports(bus, { ...deps, log });
    return {
      services: [networkService(deps)],
      check: async () => (await pool.query('select 1')).length === 1,
      [Symbol.asyncDispose]: () => reports[Symbol.asyncDispose](),
    };
  },
};
