import { implement } from '#libs/grpc';
import { NetworkService } from '#proto/queqiao/network/v1/network_service';
import type { Deps } from './deps.ts';
import { authenticateApiKey } from './rpc/authenticate-api-key.ts';
import { checkReach } from './rpc/check-reach.ts';
import { createApiKey } from './rpc/create-api-key.ts';
import { createArea } from './rpc/create-area.ts';
import { createCourier } from './rpc/create-courier.ts';
import { createCourierAccount } from './rpc/create-courier-account.ts';
import { createMerchant } from './rpc/create-merchant.ts';
import { createNode } from './rpc/create-node.ts';
import { createNumberRange } from './rpc/create-number-range.ts';
import { createSortTable } from './rpc/create-sort-table.ts';
import { createTokenIssuer } from './rpc/create-token-issuer.ts';
import { divideTerritory } from './rpc/divide-territory.ts';
import { getArea } from './rpc/get-area.ts';
import { getCourier } from './rpc/get-courier.ts';
import { getCourierAccount } from './rpc/get-courier-account.ts';
import { getMerchant } from './rpc/get-merchant.ts';
import { getNode } from './rpc/get-node.ts';
import { getNumberRange } from './rpc/get-number-range.ts';
import { getSortTable } from './rpc/get-sort-table.ts';
import { getTokenIssuer } from './rpc/get-token-issuer.ts';
import { listApiKeys } from './rpc/list-api-keys.ts';
import { listAreas } from './rpc/list-areas.ts';
import { listCourierAccounts } from './rpc/list-courier-accounts.ts';
import { listCouriers } from './rpc/list-couriers.ts';
import { listMerchants } from './rpc/list-merchants.ts';
import { listNodes } from './rpc/list-nodes.ts';
import { listNumberRanges } from './rpc/list-number-ranges.ts';
import { listSortTables } from './rpc/list-sort-tables.ts';
import { listTokenIssuers } from './rpc/list-token-issuers.ts';
import { lookUpSortCodes } from './rpc/look-up-sort-codes.ts';
import { reportCoverage } from './rpc/report-coverage.ts';
import { revokeApiKey } from './rpc/revoke-api-key.ts';
import { rotateApiKey } from './rpc/rotate-api-key.ts';
import { settleTerritories } from './rpc/settle-territories.ts';
import { updateArea } from './rpc/update-area.ts';
import { updateCourier } from './rpc/update-courier.ts';
import { updateCourierAccount } from './rpc/update-courier-account.ts';
import { updateMerchant } from './rpc/update-merchant.ts';
import { updateNode } from './rpc/update-node.ts';
import { updateNumberRange } from './rpc/update-number-range.ts';
import { updateSortTable } from './rpc/update-sort-table.ts';
import { updateTokenIssuer } from './rpc/update-token-issuer.ts';

export function networkService(deps: Deps) {
  return implement(NetworkService, {
    createMerchant: (request) => createMerchant(deps, request),
    getMerchant: (request, { identity }) => getMerchant(deps, request, identity),
    listMerchants: (request, { identity }) => listMerchants(deps, request, identity),
    updateMerchant: (request) => updateMerchant(deps, request),
    createCourier: (request) => createCourier(deps, request),
    getCourier: (request, { identity }) => getCourier(deps, request, identity),
    listCouriers: (request, { identity }) => listCouriers(deps, request, identity),
    updateCourier: (request) => updateCourier(deps, request),
    createNode: (request) => createNode(deps, request),
    getNode: (request, { identity }) => getNode(deps, request, identity),
    listNodes: (request, { identity }) => listNodes(deps, request, identity),
    updateNode: (request) => updateNode(deps, request),
    createNumberRange: (request) => createNumberRange(deps, request),
    getNumberRange: (request, { identity }) => getNumberRange(deps, request, identity),
    listNumberRanges: (request, { identity }) => listNumberRanges(deps, request, identity),
    updateNumberRange: (request) => updateNumberRange(deps, request),
    createCourierAccount: (request) => createCourierAccount(deps, request),
    getCourierAccount: (request, { identity }) => getCourierAccount(deps, request, identity),
    listCourierAccounts: (request, { identity }) => listCourierAccounts(deps, request, identity),
    updateCourierAccount: (request) => updateCourierAccount(deps, request),
    createApiKey: (request) => createApiKey(deps, request),
    listApiKeys: (request, { identity }) => listApiKeys(deps, request, identity),
    revokeApiKey: (request) => revokeApiKey(deps, request),
    rotateApiKey: (request) => rotateApiKey(deps, request),
    createTokenIssuer: (request) => createTokenIssuer(deps, request),
    getTokenIssuer: (request, { identity }) => getTokenIssuer(deps, request, identity),
    listTokenIssuers: (request, { identity }) => listTokenIssuers(deps, request, identity),
    updateTokenIssuer: (request) => updateTokenIssuer(deps, request),
    createArea: (request, { identity }) => createArea(deps, request, identity),
    getArea: (request, { identity }) => getArea(deps, request, identity),
    listAreas: (request, { identity }) => listAreas(deps, request, identity),
    updateArea: (request, { identity }) => updateArea(deps, request, identity),
    createSortTable: (request, { identity }) => createSortTable(deps, request, identity),
    getSortTable: (request, { identity }) => getSortTable(deps, request, identity),
    listSortTables: (request, { identity }) => listSortTables(deps, request, identity),
    updateSortTable: (request, { identity }) => updateSortTable(deps, request, identity),
    lookUpSortCodes: (request, { identity }) => lookUpSortCodes(deps, request, identity),
    divideTerritory: (request, { identity }) => divideTerritory(deps, request, identity),
    checkReach: (request, { identity }) => checkReach(deps, request, identity),
    reportCoverage: (request, { identity }) => reportCoverage(deps, request, identity),
    settleTerritories: (request, context) => settleTerritories(deps, request, context),
    authenticateApiKey: (request) => authenticateApiKey(deps, request),
  });
}
