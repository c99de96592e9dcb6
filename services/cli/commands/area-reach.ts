import { Command } from 'commander';
import { ReachResult_Verdict, ReachResultSchema } from '#proto/queqiao/network/v1/coverage';
import type { CliContext } from '../context.ts';
import { toPlain } from './network-resource.ts';
import { lookUpPlaces, type PlaceOptions, withPlaces } from './place.ts';

/** `queqiao area reach` */
export function reachCommand(context: CliContext): Command {
  const command = new Command('reach')
    .description('Show whether a courier delivers to a place, why not, and until when.')
    .action((words: string[], options: PlaceOptions) =>
      lookUpPlaces(context, {
        ...{ words, options },
        headings: ['verdict', 'cause', 'reason', 'until'],
        rowOf: ({ verdict = '', cause = '', reason = '', until_time = '' }) =>
          [shortOf(verdict), shortOf(cause), reason, until_time].map(String),
        lookUp: async (network, courierId, places) =>
          (await network.checkReach({ courierId, places })).results.map((result) => ({
            plain: toPlain(ReachResultSchema, result),
            isFine: result.verdict === ReachResult_Verdict.SERVED,
          })),
      }),
    );
  return withPlaces(command);
}

/** VERDICT_SERVED as SERVED; nothing for what is not specified. */
function shortOf(word: unknown): string {
  return String(word).replace(/^(?:VERDICT|CAUSE)_(?:UNSPECIFIED)?/, '');
}
