import { toJson } from '@bufbuild/protobuf';
import { type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt';
import type { Client } from '#libs/grpc';
import { type Waybill, Waybill_State, WaybillSchema } from '#proto/queqiao/waybill/v1/waybill';
import { type WaybillOutcome, WaybillService } from '#proto/queqiao/waybill/v1/waybill_service';
import type { CliContext } from '../context.ts';
import { type ConnectionOptions, Exit, itemFacts, printJson, tellFacts, write } from '../output.ts';
import { formatRecord, formatTable } from '../output-table.ts';
import { calling } from '../service-client.ts';
import { addedServiceText } from './added-service.ts';

/** Runs a command that calls the waybill service. */
export const withClient = calling(WaybillService);

/** What was found or done for each item; an error is told and makes the command fail. */
export async function showOutcomes(
  context: CliContext,
  outcomes: WaybillOutcome[],
  options: ConnectionOptions,
): Promise<number> {
  const waybills: Waybill[] = [];
  let exit: number = Exit.OK;
  for (const { outcome } of outcomes) {
    if (outcome.case === 'waybill') {
      // JSON keeps the order of what was asked for, errors in between.
      if (options.json) await printJson(context, toPlain(outcome.value));
      else waybills.push(outcome.value);
    } else if (outcome.case === 'error') {
      await tellFacts(context, itemFacts(outcome.value), options);
      exit = Exit.FAILED;
    }
  }
  if (waybills.length > 0) await showAll(context, waybills, options);
  return exit;
}

/** One waybill with all its fields. */
export async function show(
  context: CliContext,
  waybill: Waybill,
  { json }: ConnectionOptions,
): Promise<void> {
  if (json) return printJson(context, toPlain(waybill));
  const { consignee } = waybill;
  const record = {
    waybill_number: waybill.waybillNumber,
    state: stateName(waybill),
    merchant: waybill.merchantId,
    order: waybill.orderRef,
    parcel: String(waybill.parcelNo),
    'merged orders': waybill.mergedOrderRefs.join(' '),
    courier: waybill.courierId,
    service: waybill.serviceCode,
    node: waybill.nodeId,
    consignee: `${consignee?.name ?? ''} ${consignee?.phone ?? ''}`,
    place: placeOf(waybill),
    weight: waybill.weightG > 0 ? `${waybill.weightG} g` : '',
    volume: waybill.volumeMl > 0 ? `${waybill.volumeMl} ml` : '',
    goods: waybill.goodsDescription,
    remark: waybill.remark,
    issued: timeText(waybill.issueTime),
    cancelled: timeText(waybill.cancelTime),
    'cancel reason': waybill.cancelReason,
    shipment: waybill.parcelCount > 1 ? `${waybill.parcelNo} of ${waybill.parcelCount}` : '',
    parent: waybill.parentWaybillNumber,
    'added services': waybill.addedServices.map(addedServiceText).join(' '),
    'waits at': waybill.holdNodeId,
    'return of': waybill.outwardWaybillNumber,
    sender: waybill.sender === undefined ? '' : `${waybill.sender.name} ${waybill.sender.phone}`,
    returns: waybill.returnWaybillNumbers.join(' '),
    version: String(waybill.version),
  };
  await write(context.stdout, formatRecord(record, context));
}

/** Waybills as a table, or as JSON. */
export async function showAll(
  context: CliContext,
  waybills: Waybill[],
  { json, withHeadings = true }: { json?: boolean; withHeadings?: boolean },
): Promise<void> {
  if (json) {
    for (const waybill of waybills) await printJson(context, toPlain(waybill));
    return;
  }
  const headings = ['number', 'state', 'order', 'parcel', 'courier', 'node', 'consignee', 'place'];
  const rows = waybills.map((waybill) => [
    waybill.waybillNumber,
    stateName(waybill),
    waybill.orderRef,
    String(waybill.parcelNo),
    waybill.courierId,
    waybill.nodeId,
    waybill.consignee?.name ?? '',
    placeOf(waybill),
    timeText(waybill.issueTime),
  ]);
  const table = formatTable([...headings, 'issued'], rows, { ...context, withHeadings });
  await write(context.stdout, table);
}

export function toPlain(waybill: Waybill): unknown {
  return toJson(WaybillSchema, waybill, { useProtoFieldName: true, alwaysEmitImplicit: true });
}

export function stateName({ state }: Waybill): string {
  return Object.entries(STATES).find(([, value]) => value === state)?.[0] ?? String(state);
}

export function placeOf({ consignee }: Waybill): string {
  const { province = '', city = '', district = '' } = consignee ?? {};
  return [province, city === province ? '' : city, district].filter(Boolean).join(' ');
}

export function timeText(time: Timestamp | undefined): string {
  return time === undefined ? '' : timestampDate(time).toISOString();
}

/** States as people name them. */
export const STATES = {
  issued: Waybill_State.ISSUED,
  prepositioned: Waybill_State.PREPOSITIONED,
  recalled: Waybill_State.RECALLED,
  cancelled: Waybill_State.CANCELLED,
} as const;

export type WaybillClient = Client<typeof WaybillService>;
