import { Command } from 'commander';
import type { WaybillOutcome } from '#proto/queqiao/waybill/v1/waybill_service';
import type { CliContext } from '../context.ts';
import { type ConnectionOptions, withConnection } from '../output.ts';
import { showOutcomes, type WaybillClient, withClient } from './waybill-show.ts';

/** What one call may ask for. */
const BATCH_MAX = 1_000;

/** `queqiao waybill release` */
export function releaseCommand(context: CliContext): Command {
  return moveCommand(context, {
    name: 'release',
    description: 'Send pre-positioned parcels on to their buyers. / 前置包裹放行派送。',
    move: (client, waybillNumbers) => client.batchReleaseWaybills({ waybillNumbers }),
  });
}

/** `queqiao waybill recall` */
export function recallCommand(context: CliContext): Command {
  return moveCommand(context, {
    name: 'recall',
    description: 'Call pre-positioned parcels back to their sender. / 前置包裹召回退仓。',
    move: (client, waybillNumbers) => client.batchRecallWaybills({ waybillNumbers }),
  });
}

function moveCommand(context: CliContext, { name, description, move }: Move): Command {
  const command = new Command(name)
    .description(description)
    .argument('<number...>', 'waybill numbers')
    .action((numbers: string[], options: ConnectionOptions) =>
      withClient(context, options, async (client) => {
        const outcomes: WaybillOutcome[] = [];
        for (let from = 0; from < numbers.length; from += BATCH_MAX) {
          const batch = numbers.slice(from, from + BATCH_MAX);
          outcomes.push(...(await move(client, batch)).outcomes);
        }
        return showOutcomes(context, outcomes, options);
      }),
    );
  return withConnection(command);
}

type Move = {
  name: string;
  description: string;
  move: (
    client: WaybillClient,
    waybillNumbers: string[],
  ) => Promise<{ outcomes: WaybillOutcome[] }>;
};
