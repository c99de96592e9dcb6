import type { IdentityKind } from './identity.ts';

/**
 * The scope that each method asks for. A method that is not listed is refused to everybody, and a
 * test fails until it is listed.
 */
export const METHOD_SCOPES: Readonly<Record<string, Scope>> = {
  'queqiao.network.v1.NetworkService/CreateMerchant': 'network.write',
  'queqiao.network.v1.NetworkService/GetMerchant': 'network.read',
  'queqiao.network.v1.NetworkService/ListMerchants': 'network.read',
  'queqiao.network.v1.NetworkService/UpdateMerchant': 'network.write',
  'queqiao.network.v1.NetworkService/CreateCourier': 'network.write',
  'queqiao.network.v1.NetworkService/GetCourier': 'network.read',
  'queqiao.network.v1.NetworkService/ListCouriers': 'network.read',
  'queqiao.network.v1.NetworkService/UpdateCourier': 'network.write',
  'queqiao.network.v1.NetworkService/CreateNode': 'network.write',
  'queqiao.network.v1.NetworkService/GetNode': 'network.read',
  'queqiao.network.v1.NetworkService/ListNodes': 'network.read',
  'queqiao.network.v1.NetworkService/UpdateNode': 'network.write',
  'queqiao.network.v1.NetworkService/CreateNumberRange': 'network.write',
  'queqiao.network.v1.NetworkService/GetNumberRange': 'network.read',
  'queqiao.network.v1.NetworkService/ListNumberRanges': 'network.read',
  'queqiao.network.v1.NetworkService/UpdateNumberRange': 'network.write',
  'queqiao.network.v1.NetworkService/CreateCourierAccount': 'network.write',
  'queqiao.network.v1.NetworkService/GetCourierAccount': 'network.read',
  'queqiao.network.v1.NetworkService/ListCourierAccounts': 'network.read',
  'queqiao.network.v1.NetworkService/UpdateCourierAccount': 'network.write',
  'queqiao.network.v1.NetworkService/CreateApiKey': 'key.write',
  'queqiao.network.v1.NetworkService/ListApiKeys': 'key.read',
  'queqiao.network.v1.NetworkService/RevokeApiKey': 'key.write',
  'queqiao.network.v1.NetworkService/RotateApiKey': 'key.write',
  'queqiao.network.v1.NetworkService/AuthenticateApiKey': 'key.authenticate',
  'queqiao.network.v1.NetworkService/CreateTokenIssuer': 'key.write',
  'queqiao.network.v1.NetworkService/GetTokenIssuer': 'issuer.read',
  'queqiao.network.v1.NetworkService/ListTokenIssuers': 'issuer.read',
  'queqiao.network.v1.NetworkService/UpdateTokenIssuer': 'key.write',
  'queqiao.network.v1.NetworkService/CreateArea': 'area.write',
  'queqiao.network.v1.NetworkService/GetArea': 'area.read',
  'queqiao.network.v1.NetworkService/ListAreas': 'area.read',
  'queqiao.network.v1.NetworkService/UpdateArea': 'area.write',
  'queqiao.network.v1.NetworkService/CreateSortTable': 'area.write',
  'queqiao.network.v1.NetworkService/GetSortTable': 'area.read',
  'queqiao.network.v1.NetworkService/ListSortTables': 'area.read',
  'queqiao.network.v1.NetworkService/UpdateSortTable': 'area.write',
  'queqiao.network.v1.NetworkService/LookUpSortCodes': 'network.read',
  'queqiao.network.v1.NetworkService/DivideTerritory': 'area.write',
  'queqiao.network.v1.NetworkService/CheckReach': 'network.read',
  'queqiao.network.v1.NetworkService/ReportCoverage': 'area.read',
  'queqiao.network.v1.NetworkService/SettleTerritories': 'area.write',
  'queqiao.waybill.v1.WaybillService/IssueWaybills': 'waybill.issue',
  'queqiao.waybill.v1.WaybillService/IssueWaybill': 'waybill.issue',
  'queqiao.waybill.v1.WaybillService/IssueWaybillStream': 'waybill.issue',
  'queqiao.waybill.v1.WaybillService/GetWaybill': 'waybill.read',
  'queqiao.waybill.v1.WaybillService/BatchGetWaybills': 'waybill.read',
  'queqiao.waybill.v1.WaybillService/LookUpWaybills': 'waybill.read',
  'queqiao.waybill.v1.WaybillService/ListWaybills': 'waybill.read',
  'queqiao.waybill.v1.WaybillService/CancelWaybill': 'waybill.cancel',
  'queqiao.waybill.v1.LabelService/RenderLabels': 'waybill.print',
  'queqiao.waybill.v1.LabelService/ListLabelPrints': 'waybill.print',
  'queqiao.waybill.v1.LabelService/CreateLabelTemplate': 'waybill.print',
  'queqiao.waybill.v1.LabelService/GetLabelTemplate': 'waybill.print',
  'queqiao.waybill.v1.LabelService/ListLabelTemplates': 'waybill.print',
  'queqiao.waybill.v1.LabelService/GetLabelKeys': 'waybill.read',
  'queqiao.waybill.v1.VaultService/GetConsignee': 'consignee.read',
  'queqiao.waybill.v1.VaultService/BatchGetConsignees': 'consignee.read',
  'queqiao.waybill.v1.VaultService/FindWaybillsByPhone': 'consignee.find',
  'queqiao.waybill.v1.VaultService/EraseConsignee': 'consignee.erase',
  'queqiao.waybill.v1.VaultService/ListConsigneeAccesses': 'consignee.audit',
  'queqiao.waybill.v1.VaultService/EraseMonth': 'vault.manage',
  'queqiao.waybill.v1.VaultService/RewrapKeys': 'vault.manage',
  'queqiao.waybill.v1.WaybillService/UpdateWaybill': 'waybill.issue',
  'queqiao.waybill.v1.WaybillService/ListWaybillVersions': 'waybill.read',
  'queqiao.waybill.v1.WaybillService/GetShipment': 'waybill.read',
  'queqiao.waybill.v1.WaybillService/IssueReturnWaybill': 'waybill.issue',
  'queqiao.waybill.v1.WaybillService/ReleaseWaybill': 'waybill.issue',
  'queqiao.waybill.v1.WaybillService/BatchReleaseWaybills': 'waybill.issue',
  'queqiao.waybill.v1.WaybillService/RecallWaybill': 'waybill.cancel',
  'queqiao.waybill.v1.WaybillService/BatchRecallWaybills': 'waybill.cancel',
  'queqiao.waybill.v1.AccountService/TopUpAccount': 'account.write',
  'queqiao.waybill.v1.AccountService/GetAccountUsage': 'account.read',
  'queqiao.waybill.v1.AccountService/ListAccountUsages': 'account.read',
  'queqiao.waybill.v1.AccountService/ListAccountMovements': 'account.read',
  'queqiao.waybill.v1.AccountService/ReportPrints': 'waybill.print',
  'queqiao.waybill.v1.AddressService/ParseAddresses': 'address.parse',
  'queqiao.waybill.v1.AddressService/ReportDeliveryPoints': 'address.learn',
};

/**
 * Calls are counted for each identity and class apart, so that reading too much never stops a
 * warehouse from issuing. Services are not limited: their calls come from callers that are.
 */
export const RATE_CLASSES: Readonly<Record<Scope, RateClass>> = {
  'network.read': 'read',
  'network.write': 'change',
  'key.read': 'read',
  'key.write': 'change',
  'key.authenticate': 'read',
  'issuer.read': 'read',
  'waybill.issue': 'issue',
  'waybill.read': 'read',
  'waybill.cancel': 'change',
  'waybill.print': 'change',
  'consignee.read': 'read',
  'consignee.find': 'read',
  'consignee.erase': 'change',
  'consignee.audit': 'read',
  'vault.manage': 'change',
  'account.read': 'read',
  'account.write': 'change',
  'address.parse': 'read',
  'address.learn': 'change',
  'area.read': 'read',
  'area.write': 'change',
};

export type RateClass = 'issue' | 'read' | 'change';

/** `queqiao` is a process that runs all services and knows no certificates. */
const CALLERS = ['waybill', 'network', 'queqiao'];

/**
 * Which of our own services may call a method, by the name in its certificate. A method that is not
 * listed is refused to all of them.
 */
export const METHOD_SERVICES: Readonly<Record<string, readonly string[]>> = {
  'queqiao.network.v1.NetworkService/GetMerchant': CALLERS,
  'queqiao.network.v1.NetworkService/GetCourier': CALLERS,
  'queqiao.network.v1.NetworkService/GetNode': CALLERS,
  'queqiao.network.v1.NetworkService/ListNumberRanges': CALLERS,
  'queqiao.network.v1.NetworkService/ListCourierAccounts': CALLERS,
  'queqiao.network.v1.NetworkService/AuthenticateApiKey': CALLERS,
  'queqiao.network.v1.NetworkService/ListTokenIssuers': CALLERS,
  'queqiao.network.v1.NetworkService/LookUpSortCodes': CALLERS,
};

/** What an identity of each kind may hold at most, whatever its key says. */
export const KIND_SCOPES: Readonly<Record<IdentityKind, ReadonlySet<string>>> = {
  operator: setOf(
    'network.read',
    'network.write',
    'key.read',
    'key.write',
    'issuer.read',
    'waybill.issue',
    'waybill.read',
    'waybill.cancel',
    'consignee.read',
    'consignee.find',
    'consignee.erase',
    'consignee.audit',
    'vault.manage',
    'waybill.print',
    'account.read',
    'account.write',
    'address.parse',
    'address.learn',
    'area.read',
    'area.write',
  ),
  merchant: setOf(
    'network.read',
    'waybill.issue',
    'waybill.read',
    'waybill.cancel',
    'consignee.read',
    'consignee.find',
    'consignee.erase',
    'consignee.audit',
    'waybill.print',
    'account.read',
    'address.parse',
  ),
  courier: setOf(
    'network.read',
    'waybill.read',
    'consignee.read',
    'account.read',
    'account.write',
    'address.parse',
    'address.learn',
    'area.read',
    'area.write',
  ),
  service: setOf('network.read', 'key.authenticate', 'issuer.read'),
};

export type Scope =
  | 'network.read'
  | 'network.write'
  | 'key.read'
  | 'key.write'
  | 'key.authenticate'
  | 'issuer.read'
  | 'waybill.issue'
  | 'waybill.read'
  | 'waybill.cancel'
  | 'consignee.read'
  | 'consignee.find'
  | 'consignee.erase'
  | 'consignee.audit'
  | 'vault.manage'
  | 'waybill.print'
  | 'account.read'
  | 'account.write'
  | 'address.parse'
  | 'address.learn'
  | 'area.read'
  | 'area.write';

function setOf(...scopes: Scope[]): ReadonlySet<string> {
  return new Set(scopes);
}
