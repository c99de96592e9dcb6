import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { makeAuthority, makeCertificate } from '#deploy/local/certificates';
import { MODULES } from '../modules.ts';
import type { CliContext } from './context.ts';
import { each, wholeNumber } from './options.ts';
import { Exit, printJson, runAction, withJson, write } from './output.ts';
import { readSettings } from './settings.ts';

const DAY_MS = 24 * 3_600_000;

/** `queqiao cert`: what a trial of TLS needs. */
export function certCommand(context: CliContext): Command {
  const names = MODULES.map(({ name }) => name).join(', ');
  const command = new Command('cert')
    .description(
      'Make a certificate authority for development and a certificate for each service\n' +
        `(${names}) under certs in the state folder. / 生成开发用证书。`,
    )
    .option('--host <name>', 'a DNS name or address of the servers; may be repeated', each, [])
    .option('--days <n>', 'how long they are good', wholeNumber({ min: 1, max: 3_650 }), 365)
    .action((options: CertOptions) => runAction(context, options, () => make(context, options)));
  return withJson(command);
}

async function make(context: CliContext, { host, days, json }: CertOptions): Promise<number> {
  const folder = join(readSettings(context.env).stateDir, 'certs');
  const now = context.now().getTime();
  // A clock that is somewhat behind takes it too.
  const validity = { from: new Date(now - 3_600_000), to: new Date(now + days * DAY_MS) };
  const authority = await makeAuthority('Queqiao development CA', validity);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(join(folder, 'ca.pem'), authority.certificate);
  for (const { name } of MODULES) {
    const hosts = [`${name}.queqiao.internal`, 'localhost', '127.0.0.1', '::1', ...host];
    const { certificate, key } = await makeCertificate(authority, hosts, validity);
    await writeFile(join(folder, `${name}.pem`), certificate);
    await writeFile(join(folder, `${name}.key`), key, { mode: 0o600 });
  }
  // All services in one process call themselves as the network service.
  const settings = {
    QUEQIAO_TLS_CERT_FILE: join(folder, 'network.pem'),
    QUEQIAO_TLS_KEY_FILE: join(folder, 'network.key'),
    QUEQIAO_TLS_CA_FILE: join(folder, 'ca.pem'),
  };
  if (json) await printJson(context, settings);
  else {
    const lines = Object.entries(settings).map(([name, file]) => `export ${name}=${file}\n`);
    await write(context.stdout, lines.join(''));
  }
  return Exit.OK;
}

type CertOptions = { host: string[]; days: number; json?: boolean };
