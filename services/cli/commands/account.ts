import { randomUUID } from 'node:crypto';
import { type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt';
import { Command, InvalidArgumentError } from 'commander';
import { RpcError } from '#libs/errors';
import { type Client, createClient } from '#libs/grpc';
import { NetworkService } from '#proto/queqiao/network/v1/network_service';
import {
  type AccountMovement,
  AccountMovementSchema,
  AccountService,
  type AccountUsage,
  AccountUsageSchema,
} from '#proto/queqiao/waybill/v1/account_service';
import type { CliContext } from '../context.ts';
import { wholeNumber } from '../options.ts';
import {
  type ConnectionOptions,
  connect,
  Exit,
  printJson,
  runAction,
  tellWarning,
  withConnection,
  write,
} from '../output.ts';
import { formatRecord, formatTable } from '../output-table.ts';
import { resourceCommand } from './network.ts';
import { ACCOUNT, toPlain } from './network-resource.ts';

/** `queqiao account list|get|create|update|top-up|usage|movements` */
export function accountCommand(context: CliContext): Command {
  return resourceCommand(context, ACCOUNT)
    .addCommand(topUpCommand(context))
    .addCommand(usageCommand(context))
    .addCommand(movementsCommand(context));
}

function topUpCommand(context: CliContext): Command {
  const command = new Command('top-up')
    .description('Add to the balance of a prepaid account, or take off what was added by mistake.')
    .argument('<id>')
    .argument('<count>', 'to add; below zero: to take off (write it after --)', countOf)
    .option('--reason <text>', 'why, for people; needed to take off', '')
    .option('--request-id <uuid>', 'of a top-up whose answer was lost: it counts once')
    .action((id: string, count: bigint, options: TopUpOptions) =>
      withClients(context, options, async ({ network, account }) => {
        const { merchantId, accountId } = await find(network, id, options);
        const { reason, requestId = randomUUID() } = options;
        const request = { merchantId, accountId, count, reason, requestId };
        const { movement } = await account.topUpAccount(request).catch(async (error) => {
          if (error instanceof RpcError && error.retryable) await tellRequestId(context, requestId);
          throw error;
        });
        const plain = toPlain(AccountMovementSchema, movement);
        if (options.json) await printJson(context, plain);
        else await write(context.stdout, formatRecord(movementRecord(movement), context));
        return Exit.OK;
      }),
    );
  return withConnection(withOwners(command));
}

function tellRequestId(context: CliContext, requestId: string): Promise<void> {
  return tellWarning(context, {
    textEn: `it may have taken place; repeat it with --request-id ${requestId}, so it counts once`,
    textZh: `充值可能已生效,请加上 --request-id ${requestId} 重试,以免重复计数`,
  });
}

function usageCommand(context: CliContext): Command {
  const command = new Command('usage')
    .description('Show what accounts have used: balance, drawn, cancelled, printed.')
    .argument('[id]', 'one account; without it all')
    .option('--merchant <id>', 'only of this merchant')
    .option('--courier <id>', 'only at this courier')
    .option('--low', 'only prepaid accounts at their alert mark')
    .action((id: string | undefined, options: UsageOptions) =>
      withClients(context, options, async ({ network, account }) => {
        if (id !== undefined) {
          const { usage } = await account.getAccountUsage(await find(network, id, options));
          await showUsages(context, usage ? [usage] : [], { ...options, withHeadings: true });
          return Exit.OK;
        }
        const { merchant: merchantId = '', courier: courierId = '', low = false } = options;
        const filter = { merchantId, courierId, onlyLow: low, pageSize: 1_000 };
        let pageToken = '';
        let withHeadings = true;
        do {
          const page = await account.listAccountUsages({ ...filter, pageToken });
          await showUsages(context, page.usages, { ...options, withHeadings });
          pageToken = page.nextPageToken;
          withHeadings = false;
        } while (pageToken !== '');
        return Exit.OK;
      }),
    );
  return withConnection(command);
}

function movementsCommand(context: CliContext): Command {
  const command = new Command('movements')
    .description('List top-ups and corrections of an account, newest first.')
    .argument('<id>')
    .option('--limit <n>', 'at most so many', wholeNumber({ min: 1, max: 10_000_000 }), 100)
    .action((id: string, options: ConnectionOptions & Owners & { limit: number }) =>
      withClients(context, options, async ({ network, account }) => {
        const { merchantId, accountId } = await find(network, id, options);
        let left = options.limit;
        let pageToken = '';
        let withHeadings = true;
        do {
          const pageSize = Math.min(left, 1_000);
          const request = { merchantId, accountId, pageSize, pageToken };
          const page = await account.listAccountMovements(request);
          await showMovements(context, page.movements, { ...options, withHeadings });
          left -= page.movements.length;
          pageToken = page.nextPageToken;
          withHeadings = false;
        } while (pageToken !== '' && left > 0);
        return Exit.OK;
      }),
    );
  return withConnection(withOwners(command));
}

/**
 * Whose account it is and where it is held, which the calls about its use have to name. The network
 * is asked unless the options say both, as they must where it is served at another address.
 */
async function find(network: Clients['network'], accountId: string, options: Owners) {
  const { merchant, courier } = options;
  if (merchant !== undefined && courier !== undefined) {
    return { accountId, merchantId: merchant, courierId: courier };
  }
  const { courierAccount } = await network.getCourierAccount({ accountId });
  const { merchantId = '', courierId = '' } = courierAccount ?? {};
  return { accountId, merchantId, courierId };
}

function withOwners(command: Command): Command {
  return command
    .option('--merchant <id>', 'whose account; looked up if not given')
    .option('--courier <id>', 'where it is held; looked up if not given');
}

async function showUsages(context: CliContext, usages: AccountUsage[], how: How): Promise<void> {
  if (how.json) {
    for (const usage of usages) await printJson(context, toPlain(AccountUsageSchema, usage));
    return;
  }
  const headings = ['account', 'merchant', 'courier', 'billing', 'granted', 'balance', 'drawn'];
  const more = ['cancelled', 'share', 'printed', 'low_since'];
  const rows = usages.map((usage) => {
    const { isPrepaid } = usage;
    return [
      usage.accountId || '-',
      usage.merchantId,
      usage.courierId,
      isPrepaid ? 'prepaid' : 'monthly',
      isPrepaid ? String(usage.grantedCount) : '-',
      isPrepaid ? String(usage.balanceCount) : '-',
      String(usage.drawnCount),
      String(usage.cancelledCount),
      `${(usage.cancelledPermille / 10).toFixed(1)} %`,
      String(usage.printedCount),
      timeText(usage.lowTime),
    ];
  });
  await write(context.stdout, formatTable([...headings, ...more], rows, { ...context, ...how }));
}

async function showMovements(
  context: CliContext,
  movements: AccountMovement[],
  how: How,
): Promise<void> {
  if (how.json) {
    for (const each of movements) await printJson(context, toPlain(AccountMovementSchema, each));
    return;
  }
  const rows = movements.map((each) => Object.values(movementRecord(each)));
  await write(context.stdout, formatTable(MOVEMENT_HEADINGS, rows, { ...context, ...how }));
}

function movementRecord(movement: AccountMovement | undefined) {
  return {
    movement_id: movement?.movementId ?? '',
    time: timeText(movement?.createTime),
    count: String(movement?.count ?? ''),
    balance: String(movement?.balanceCount ?? ''),
    actor: movement?.actor ?? '',
    reason: movement?.reason ?? '',
    request_id: movement?.requestId ?? '',
  };
}

function countOf(text: string): bigint {
  if (/^[+-]?\d{1,10}$/.test(text)) return BigInt(text.replace('+', ''));
  throw new InvalidArgumentError('It is a whole number.');
}

function timeText(time: Timestamp | undefined): string {
  return time === undefined ? '' : timestampDate(time).toISOString();
}

async function withClients(
  context: CliContext,
  options: ConnectionOptions,
  body: (clients: Clients) => Promise<number>,
): Promise<void> {
  await runAction(context, options, async () => {
    const target = connect(context, options, 'operator');
    using network = createClient(NetworkService, target);
    using account = createClient(AccountService, target);
    return await body({ network, account });
  });
}

const MOVEMENT_HEADINGS = Object.keys(movementRecord(undefined));

type Clients = {
  network: Client<typeof NetworkService>;
  account: Client<typeof AccountService>;
};
type Owners = { merchant?: string; courier?: string };
type TopUpOptions = ConnectionOptions & Owners & { reason: string; requestId?: string };
type UsageOptions = ConnectionOptions & Owners & { low?: boolean };
type How = { json?: boolean; withHeadings: boolean };
