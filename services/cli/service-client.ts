import type { DescService } from '@bufbuild/protobuf';
import { type Client, createClient } from '#libs/grpc';
import type { CliContext } from './context.ts';
import { type ConnectionOptions, connect, runAction } from './output.ts';

/**
 * How commands call a service: their body gets a client, closed afterwards, and what it answers or
 * throws is the exit status, as in runAction. By the local operator's key where one's rights are
 * needed.
 */
export function calling<Desc extends DescService>(desc: Desc, as?: 'operator') {
  return (
    context: CliContext,
    options: ConnectionOptions,
    body: (client: Client<Desc>) => Promise<number>,
  ): Promise<void> =>
    runAction(context, options, async () => {
      using client = createClient(desc, connect(context, options, as));
      return await body(client);
    });
}
