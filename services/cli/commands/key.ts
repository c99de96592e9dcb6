import {
  durationFromMs,
  type Timestamp,
  timestampDate,
  timestampFromDate,
} from '@bufbuild/protobuf/wkt';
import { Command } from 'commander';
import { type IdentityKind, KIND_SCOPES } from '#libs/grpc';
import { type ApiKey, ApiKeySchema, Subject_Kind } from '#proto/queqiao/network/v1/api_key';
import { NetworkService } from '#proto/queqiao/network/v1/network_service';
import type { CliContext } from '../context.ts';
import { each, parseMoment, wholeNumber } from '../options.ts';
import {
  type ConnectionOptions,
  Exit,
  printJson,
  tellWarning,
  withConnection,
  write,
} from '../output.ts';
import { formatRecord, formatTable } from '../output-table.ts';
import { calling } from '../service-client.ts';
import { toPlain } from './network-resource.ts';

/** `queqiao key create|list|rotate|revoke` */
export function keyCommand(context: CliContext): Command {
  return new Command('key')
    .description('API keys. / API 密钥。')
    .addCommand(createCommand(context))
    .addCommand(listCommand(context))
    .addCommand(rotateCommand(context))
    .addCommand(revokeCommand(context));
}

function createCommand(context: CliContext): Command {
  const moment = (text: string) => parseMoment(text, context.now(), true);
  const command = new Command('create')
    .description('Make a key. Its secret is shown once, here.')
    .argument('<id>', 'a name for the key: a-z, 0-9 and "-"')
    .option('--merchant <id>', 'the key speaks for this merchant')
    .option('--courier <id>', 'the key speaks for this courier')
    .option('--operator', 'the key speaks for the operator of the network')
    .option('--scope <name>', 'what it may do; may be repeated. Default: all it may hold', each)
    .option('--expires <time>', 'ends then: 2027-01-01, or in 90d', moment)
    .option('--from <cidr>', 'may be used from this network alone; may be repeated', each)
    .option('--calls-per-s <n>', 'calls a second of each kind', wholeNumber(CALLS))
    .option('--burst <n>', 'calls at once after a pause', wholeNumber(CALLS))
    .option('--per-day <n>', 'waybills that it may issue in a day (UTC)', wholeNumber(PER_DAY))
    .action((apiKeyId: string, options: CreateOptions) =>
      withClient(context, options, async (client) => {
        const subject = subjectOf(options);
        const { apiKey, secret } = await client.createApiKey({
          apiKey: {
            apiKeyId,
            subject: { kind: KINDS[subject.kind], id: subject.id },
            scopes: options.scope ?? [...KIND_SCOPES[subject.kind]],
            ...(options.expires && { expireTime: timestampFromDate(options.expires) }),
            allowedCidrs: options.from ?? [],
            limits: {
              callsPerS: options.callsPerS ?? 0,
              burstCount: options.burst ?? 0,
              waybillsPerDay: BigInt(options.perDay ?? 0),
            },
          },
        });
        await tellSecret(context);
        if (options.json) await printJson(context, { api_key: plain(apiKey), secret });
        else await write(context.stdout, formatRecord({ ...record(apiKey), secret }, context));
        return Exit.OK;
      }),
    );
  return withConnection(command);
}

function rotateCommand(context: CliContext): Command {
  const moment = (text: string) => parseMoment(text, context.now(), true);
  const command = new Command('rotate')
    .description('Make a successor of a key. Both work until the old one ends, in 24 hours.')
    .argument('<id>', 'the key in use')
    .argument('<successor-id>', 'a name for the new one')
    .option('--grace <span>', 'the old key works for so long: 30m, 12h, up to 30d', moment)
    .option('--expires <time>', 'the new key ends then; default as long a life as before', moment)
    .action((apiKeyId: string, successorId: string, options: RotateOptions) =>
      withClient(context, options, async (client) => {
        const { grace, expires } = options;
        const { apiKey, secret, predecessor } = await client.rotateApiKey({
          apiKeyId,
          successorId,
          ...(grace && { graceDuration: durationFromMs(+grace - +context.now()) }),
          ...(expires && { expireTime: timestampFromDate(expires) }),
        });
        await tellSecret(context);
        const ending = timeText(predecessor?.expireTime);
        if (options.json) {
          const keys = { api_key: plain(apiKey), predecessor: plain(predecessor) };
          await printJson(context, { ...keys, secret });
        } else {
          const shown = { ...record(apiKey), secret, [`${apiKeyId} ends`]: ending };
          await write(context.stdout, formatRecord(shown, context));
        }
        return Exit.OK;
      }),
    );
  return withConnection(command);
}

function tellSecret(context: CliContext): Promise<void> {
  return tellWarning(context, {
    textEn: 'keep the secret now; it is never shown again',
    textZh: '请立即保存密钥,之后无法再次查看',
  });
}

function listCommand(context: CliContext): Command {
  const command = new Command('list')
    .description('List keys, without their secrets.')
    .action((options: ConnectionOptions) =>
      withClient(context, options, async (client) => {
        let pageToken = '';
        let withHeadings = true;
        do {
          const page = await client.listApiKeys({ pageSize: 1_000, pageToken });
          if (options.json) {
            for (const apiKey of page.apiKeys) await printJson(context, plain(apiKey));
          } else {
            const rows = page.apiKeys.map((apiKey) => Object.values(record(apiKey)));
            const table = formatTable(HEADINGS, rows, { ...context, withHeadings });
            await write(context.stdout, table);
          }
          pageToken = page.nextPageToken;
          withHeadings = false;
        } while (pageToken !== '');
        return Exit.OK;
      }),
    );
  return withConnection(command);
}

function revokeCommand(context: CliContext): Command {
  const command = new Command('revoke')
    .description('End a key for good.')
    .argument('<id>')
    .action((apiKeyId: string, options: ConnectionOptions) =>
      withClient(context, options, async (client) => {
        const { apiKey } = await client.revokeApiKey({ apiKeyId });
        if (options.json) await printJson(context, plain(apiKey));
        else await write(context.stdout, formatRecord(record(apiKey), context));
        return Exit.OK;
      }),
    );
  return withConnection(command);
}

/** Whom a new key speaks for; exactly one option must say so. */
function subjectOf({ merchant, courier, operator }: CreateOptions): Subject {
  const given: Subject[] = [];
  if (merchant !== undefined) given.push({ kind: 'merchant', id: merchant });
  if (courier !== undefined) given.push({ kind: 'courier', id: courier });
  if (operator) given.push({ kind: 'operator', id: '' });
  const [only] = given;
  if (only !== undefined && given.length === 1) return only;
  throw new Error(
    'Say whom the key speaks for: one of --merchant <id>, --courier <id>, --operator.',
  );
}

function record(apiKey: ApiKey | undefined): Record<(typeof HEADINGS)[number], string> {
  const { kind = Subject_Kind.UNSPECIFIED, id = '' } = apiKey?.subject ?? {};
  const name = Object.entries(KINDS).find(([, value]) => value === kind)?.[0] ?? String(kind);
  return {
    api_key_id: apiKey?.apiKeyId ?? '',
    subject: id === '' ? name : `${name} ${id}`,
    state: apiKey?.revokeTime === undefined ? 'active' : 'revoked',
    scopes: apiKey?.scopes.join(' ') ?? '',
    key_prefix: apiKey?.keyPrefix ?? '',
    create_time: timeText(apiKey?.createTime),
    expire_time: timeText(apiKey?.expireTime),
    last_use_time: timeText(apiKey?.lastUseTime),
  };
}

function plain(apiKey: ApiKey | undefined): unknown {
  return toPlain(ApiKeySchema, apiKey);
}

function timeText(time: Timestamp | undefined): string {
  return time === undefined ? '' : timestampDate(time).toISOString();
}

const withClient = calling(NetworkService, 'operator');

const KINDS = {
  operator: Subject_Kind.OPERATOR,
  merchant: Subject_Kind.MERCHANT,
  courier: Subject_Kind.COURIER,
  service: Subject_Kind.SERVICE,
} as const satisfies Record<IdentityKind, Subject_Kind>;

const HEADINGS = [
  ...(['api_key_id', 'subject', 'state', 'scopes', 'key_prefix'] as const),
  ...(['create_time', 'expire_time', 'last_use_time'] as const),
] as const;

const CALLS = { min: 1, max: 1_000_000 };
const PER_DAY = { min: 1, max: 1_000_000_000 };

type Subject = { kind: 'operator' | 'merchant' | 'courier'; id: string };

type CreateOptions = ConnectionOptions & {
  merchant?: string;
  courier?: string;
  operator?: boolean;
  scope?: string[];
  expires?: Date;
  from?: string[];
  callsPerS?: number;
  burst?: number;
  perDay?: number;
};

type RotateOptions = ConnectionOptions & { grace?: Date; expires?: Date };
