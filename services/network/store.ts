// All SQL of the service: one function for each statement, one file for each resource.
export {
  expireApiKey,
  insertApiKey,
  lockApiKeyLine,
  noteApiKeyUse,
  revokeActiveApiKey,
  selectApiKey,
  selectApiKeyByIndex,
  selectApiKeys,
  selectLiveApiKeys,
} from './store/api-key.ts';
export {
  cellNumber,
  insertArea,
  type RoutedCell,
  replaceArea,
  replaceCells,
  replaceLand,
  selectArea,
  selectAreas,
  selectCells,
  selectDivisionCodes,
  selectSettling,
} from './store/area.ts';
export { insertCourier, replaceCourier, selectCourier, selectCouriers } from './store/courier.ts';
export {
  insertCourierAccount,
  replaceCourierAccount,
  selectCourierAccount,
  selectCourierAccounts,
  selectUsableNodes,
} from './store/courier-account.ts';
export {
  type CoverageRow,
  type ReachRow,
  selectCoverage,
  selectReach,
  selectServiceForms,
} from './store/coverage.ts';
export { insertDeadLetter } from './store/dead-letter.ts';
export {
  insertMerchant,
  replaceMerchant,
  selectMerchant,
  selectMerchants,
} from './store/merchant.ts';
export { insertNode, replaceNode, selectNode, selectNodes } from './store/node.ts';
export {
  insertNumberRange,
  lockNumberRanges,
  type RemainingChange,
  replaceNumberRange,
  selectNumberRange,
  selectNumberRanges,
  updateRemaining,
} from './store/number-range.ts';
export { selectCellForms, selectTableCodes, selectTerritoryCodes } from './store/sort-code.ts';
export {
  insertSortRows,
  insertSortTable,
  replaceSortTable,
  selectSortTable,
  selectSortTables,
} from './store/sort-table.ts';
export { insertBranch, selectBranches } from './store/territory-branch.ts';
export {
  insertTokenIssuer,
  replaceTokenIssuer,
  selectTokenIssuer,
  selectTokenIssuers,
} from './store/token-issuer.ts';
