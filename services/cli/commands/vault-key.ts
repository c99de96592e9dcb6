import { timestampDate } from '@bufbuild/protobuf/wkt';
import { Command } from 'commander';
import { VaultService } from '#proto/queqiao/waybill/v1/vault_service';
import type { CliContext } from '../context.ts';
import { type ConnectionOptions, Exit, printJson, withConnection, write } from '../output.ts';
import { calling } from '../service-client.ts';

/** `queqiao vault erase-month`: goes on until all waybills of the month are empty. */
export function eraseMonthCommand(context: CliContext): Command {
  const command = new Command('erase-month')
    .description(
      "Destroy the key of a merchant's month and empty its waybills, for operators.\n" +
        'Broken off, it goes on where it was when it is run again.',
    )
    .argument('<merchant>', 'whose consignees')
    .argument('<month>', 'in which they were sealed (UTC), as 2026-10; it must have ended')
    .requiredOption('--reason <text>', 'why, for the log of accesses; no personal data')
    .requiredOption('--confirm <merchant/month>', 'both once more: nothing brings them back')
    .action((merchantId: string, month: string, options: EraseOptions) =>
      asOperator(context, options, async (vault) => {
        const { confirm, reason } = options;
        let clearedCount = 0;
        for (;;) {
          const request = { merchantId, month, confirm, reason };
          const step = await vault.eraseMonth(request, { deadlineMs: STEP_MS });
          clearedCount += step.clearedCount;
          if (!step.done) {
            await write(context.stderr, `${clearedCount} waybills emptied …\n`);
            continue;
          }
          const time = step.eraseTime ? timestampDate(step.eraseTime).toISOString() : '';
          if (options.json) {
            const counts = { cleared_count: clearedCount, done: true };
            await printJson(context, {
              merchant_id: merchantId,
              month,
              erase_time: time,
              ...counts,
            });
          } else {
            const text = `The key of ${merchantId} ${month} was destroyed at ${time}.`;
            await write(context.stdout, `${text}\n${clearedCount} waybills emptied.\n`);
          }
          return Exit.OK;
        }
      }),
    );
  return withConnection(command);
}

/** `queqiao vault rotate`: goes on until no stored key needs another master key. */
export function rotateCommand(context: CliContext): Command {
  const command = new Command('rotate')
    .description(
      'Wrap all stored keys by the current master key, for operators. Nothing stops meanwhile.\n' +
        'Broken off, it goes on where it was when it is run again.',
    )
    .action((options: ConnectionOptions) =>
      asOperator(context, options, async (vault) => {
        let rewrappedCount = 0;
        for (;;) {
          const step = await vault.rewrapKeys({}, { deadlineMs: STEP_MS });
          rewrappedCount += step.rewrappedCount;
          if (step.remainingCount > 0n) {
            const text = `${rewrappedCount} keys wrapped anew, ${step.remainingCount} to go …`;
            await write(context.stderr, `${text}\n`);
            continue;
          }
          const { masterKeyId } = step;
          if (options.json) {
            const counts = { rewrapped_count: rewrappedCount, remaining_count: 0 };
            await printJson(context, { master_key_id: masterKeyId, ...counts });
          } else {
            const text = `All keys are wrapped by master key ${masterKeyId}`;
            await write(context.stdout, `${text}, ${rewrappedCount} of them now.\n`);
          }
          return Exit.OK;
        }
      }),
    );
  return withConnection(command);
}

const asOperator = calling(VaultService, 'operator');

/** The longest that a server lets a call take. */
const STEP_MS = 30_000;

type EraseOptions = ConnectionOptions & { reason: string; confirm: string };
