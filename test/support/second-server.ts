import { inject } from 'vitest';
import { type Client, createClient } from '#libs/grpc';
import { createLogger } from '#libs/log';
import type { Keyring } from '#libs/privacy';
import { AccountService } from '#proto/queqiao/waybill/v1/account_service';
import { VaultService } from '#proto/queqiao/waybill/v1/vault_service';
import { WaybillService } from '#proto/queqiao/waybill/v1/waybill_service';
import type { ModuleSettings } from '../../services/module.ts';
import { MODULES } from '../../services/modules.ts';
import { runServices } from '../../services/run.ts';
import type { TestSystem } from './system.ts';

/** Another process on the same database. */
export async function secondServer(
  system: TestSystem,
  options: SecondServerOptions = {},
): Promise<SecondServer> {
  const clients: { close(): void }[] = [];
  const { keyring = system.secrets.keyring, now = () => new Date() } = options;
  const { cancelRatio = { percent: 20, freeCount: 500 } } = options;
  const services = await runServices({
    modules: MODULES,
    databaseUrl: system.database.url,
    natsUrl: inject('natsUrl'),
    listen: '127.0.0.1:0',
    secrets: { ...system.secrets, keyring },
    settings: { labelPrintsMax: 10, cancelRatio },
    reflection: false,
    log: createLogger({ name: 'second', level: 'silent' }),
    now,
  });
  const keep = <T extends { close(): void }>(client: T): T => {
    clients.push(client);
    return client;
  };
  const { address } = services;
  return {
    account: (apiKey) => keep(createClient(AccountService, { address, credentials: { apiKey } })),
    vault: (apiKey) => keep(createClient(VaultService, { address, credentials: { apiKey } })),
    waybill: (apiKey) => keep(createClient(WaybillService, { address, credentials: { apiKey } })),
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.close();
      await services.stop(20_000);
    },
  };
}

export type SecondServerOptions = {
  keyring?: Keyring;
  now?: () => Date;
  cancelRatio?: ModuleSettings['cancelRatio'];
};

export type SecondServer = AsyncDisposable & {
  account(apiKey: string): Client<typeof AccountService>;
  vault(apiKey: string): Client<typeof VaultService>;
  waybill(apiKey: string): Client<typeof WaybillService>;
};
