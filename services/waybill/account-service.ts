import { implement } from '#libs/grpc';
import { AccountService } from '#proto/queqiao/waybill/v1/account_service';
import type { Deps } from './deps.ts';
import { getAccountUsage } from './rpc/get-account-usage.ts';
import { listAccountMovements } from './rpc/list-account-movements.ts';
import { listAccountUsages } from './rpc/list-account-usages.ts';
import { reportPrints } from './rpc/report-prints.ts';
import { topUpAccount } from './rpc/top-up-account.ts';

export function accountService(deps: Deps) {
  return implement(AccountService, {
    topUpAccount: (request, context) => topUpAccount(deps, request, context),
    getAccountUsage: (request, context) => getAccountUsage(deps, request, context),
    listAccountUsages: (request, context) => listAccountUsages(deps, request, context),
    listAccountMovements: (request, context) => listAccountMovements(deps, request, context),
    reportPrints: (request, context) => reportPrints(deps, request, context),
  });
}
