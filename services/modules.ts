import type { Module } from './module.ts';
import { network } from './network/module.ts';
import { waybill } from './waybill/module.ts';

/** Every service there is. A new one is added here and nowhere else. */
export const MODULES: readonly Module[] = [network, waybill];

// The first operator's key is made before any key could ask for one.
export { createOperatorKey } from './network/bootstrap.ts';
// An auditor looks at a service's tables from outside of the running services.
export {
  type AuditReport,
  auditPoolOptions,
  auditWaybills,
  CHECKS,
  type CheckName,
  type MissingEvents,
  missingEvents,
} from './waybill/audit.ts';
