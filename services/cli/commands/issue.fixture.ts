// For the tests of `queqiao issue`: the real services with the demo network, and a server before
// them that can fail.
import { implement, type RunningServer, startServer } from '#libs/grpc';
import { createLogger } from '#libs/log';
import { Subject_Kind } from '#proto/queqiao/network/v1/api_key';
import {
  type IssueWaybillsRequest,
  type IssueWaybillsResponse,
  WaybillService,
} from '#proto/queqiao/waybill/v1/waybill_service';
import { type TestSystem, testSystem } from '#test/support/system';
import type { CliContext } from '../context.ts';
import { DEMO_MERCHANT_ID, loadDemo } from '../demo.ts';
import { type CliOptions, type CliRun, cli } from './cli.fixture.ts';
import { issueCommand } from './issue.ts';

export async function startIssuing(): Promise<Issuing> {
  const system = await testSystem();
  const network = system.network();
  await loadDemo({ network, account: system.account() });
  const scopes = ['waybill.issue', 'waybill.read', 'waybill.cancel'];
  const subject = { kind: Subject_Kind.MERCHANT, id: DEMO_MERCHANT_ID };
  const { secret: apiKey } = await network.createApiKey({
    apiKey: { apiKeyId: 'issue-test', subject, scopes },
  });
  const command = (context: CliContext) => issueCommand(context, FAST);
  return {
    system,
    apiKey,
    issue: (args, options = {}) =>
      cli([command], ['issue', ...args], { address: system.address, apiKey, ...options }),
    async countIssued(prefix) {
      const [counted] = await system.database.query<{ count: string }>(
        'select count(*) from waybill.waybill where order_ref like $1',
        [`${prefix}%`],
      );
      return Number(counted?.count);
    },
    behind: (serve) => startBefore(system, apiKey, serve),
    [Symbol.asyncDispose]: () => system[Symbol.asyncDispose](),
  };
}

/** A line of an order file; `change` replaces cells of it. */
export function row(ref: string, change: Record<string, string> = {}): string {
  const cells = {
    ...{ ref, no: '', name: '李雷', phone: '13800001234', province: '浙江省', city: '杭州市' },
    ...{ detail: '文三路1号', kg: '1.2', courier: 'lingque', node: 'hangzhou-cang' },
    ...change,
  };
  return Object.values(cells).join(',');
}

export const HEADER =
  'order_ref,parcel_no,name,phone,province,city,detail,weight_kg,courier_id,node_id';

async function startBefore(
  system: TestSystem,
  apiKey: string,
  serve: Serve,
): Promise<RunningServer & AsyncDisposable> {
  const { issueWaybills, ...others } = system.waybill(apiKey);
  const server = await startServer({
    listen: '127.0.0.1:0',
    services: [
      implement(WaybillService, {
        ...others,
        issueWaybills: (request) => serve(request, (asked) => issueWaybills(asked)),
      }),
    ],
    authenticate: async () => ({
      ...{ kind: 'merchant', id: DEMO_MERCHANT_ID, keyId: 'test' },
      scopes: new Set(['waybill.issue']),
    }),
    log: createLogger({ name: 'test', level: 'silent' }),
  });
  const dispose = async () => void (await server.stop({ graceMs: 1_000 }));
  return Object.assign(server, { [Symbol.asyncDispose]: dispose });
}

const FAST = { attempts: 6, firstAttempts: 3, firstMs: 1, maxMs: 4, patienceMs: 0 };

type RealCall = (request: IssueWaybillsRequest) => Promise<IssueWaybillsResponse>;
type Serve = (request: IssueWaybillsRequest, real: RealCall) => Promise<IssueWaybillsResponse>;

export type Issuing = AsyncDisposable & {
  system: TestSystem;
  /** Of the demo merchant. */
  apiKey: string;
  issue(args: string[], options?: CliOptions): Promise<CliRun>;
  /** Waybills of orders whose number begins so. */
  countIssued(prefix: string): Promise<number>;
  /** The real service behind a server that loses answers, refuses or is slow, as `serve` says. */
  behind(serve: Serve): Promise<RunningServer & AsyncDisposable>;
};
