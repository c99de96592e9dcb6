import { type Tx, transaction } from '#libs/db';
import { invalid, RpcError, toRpcError } from '#libs/errors';
import type { CallContext } from '#libs/grpc';
import { type Label, newNonce, numberFits, signLabel, valueProblems } from '#libs/label';
import { turns } from '#libs/run';
import type { LabelItem } from '#proto/queqiao/waybill/v1/label_service';
import type { Consignee } from '#proto/queqiao/waybill/v1/waybill';
import { accessOf } from './access.ts';
import { openConsignee } from './consignee.ts';
import type { Deps } from './deps.ts';
import { mustBeText } from './field.ts';
import { labelOf } from './label.ts';
import type { TemplateOf } from './label-template.ts';
import { contentsHash, type PrintOrder } from './print-order.ts';
import { findByNumbers, waybillNotFound } from './read.ts';
import { consigneeErased } from './read-consignee.ts';
import { type Sorting, sortingsOf } from './sort-code.ts';
import { isLive } from './state.ts';
import { insertAccesses } from './store/access.ts';
import { insertLabelPrints, type LabelPrintRow, selectPrintsOf } from './store/label.ts';
import { notePrints } from './store/print.ts';
import { type SealedWaybillRow, selectSealed } from './store/vault.ts';
import { lockRows, nameOf } from './store/version.ts';
import type { WaybillRow } from './store/waybill.ts';
import { tenantOf } from './tenant.ts';

const TEXT_MAX = 200;

/**
 * Prints some of an order's items: one label or error for each, in order. The prints are counted
 * and written down, and that their consignees are opened, before one of them is opened.
 */
export async function printItems(
  deps: Deps,
  order: PrintOrder,
  items: readonly PlacedItem[],
  { templateOf, context }: Printing,
): Promise<(PrintedLabel | RpcError)[]> {
  const numbers = items.map(({ item }) => item.waybillNumber);
  const found = await findByNumbers(deps, numbers, tenantOf(context.identity));
  const faults = await Promise.all(
    items.map(async ({ item, field }) => {
      const row = found.get(item.waybillNumber);
      if (row === undefined) return waybillNotFound(item.waybillNumber, `${field}.waybill_number`);
      return checkItem(order, { item, field }, row, templateOf).catch(toRpcError);
    }),
  );
  const wanted = items.filter((_, i) => faults[i] === undefined);
  const printed = await transaction(deps.pool, (tx) =>
    note(deps, tx, order, { wanted, found, context }),
  );
  const opened = await Promise.all(
    items.map(async ({ item, field }, i) => {
      const print = faults[i] ?? printed.get(item.waybillNumber);
      // Moved or gone between the look-up and the lock.
      if (print === undefined) return waybillNotFound(item.waybillNumber, field);
      if (print instanceof RpcError) return print;
      return await openPrint(deps, print, item).catch(toRpcError);
    }),
  );
  return await toLabels(deps, opened, { order, templateOf });
}

/** What is wrong with an item, though nothing of the waybill's state is known yet. */
async function checkItem(
  { format, size, templateId }: PrintOrder,
  { item, field }: PlacedItem,
  row: WaybillRow,
  templateOf: TemplateOf,
): Promise<undefined> {
  const { waybillNumber: id, customTexts: values } = item;
  if (format !== 'data' && !numberFits(id, size)) {
    throw new RpcError('LABEL_NUMBER_TOO_LONG', {
      field: `${field}.waybill_number`,
      metadata: { id, size },
    });
  }
  if (templateId === '') {
    if (Object.keys(values).length === 0) return;
    throw invalid(`${field}.custom_texts`, 'NOT_ALLOWED');
  }
  const template = await templateOf(row.merchant_id);
  for (const [key, text] of Object.entries(values)) {
    const known = template.fields.some((each) => each.key === key);
    // A name that is none of ours is not put into a path.
    if (!known) throw invalid(`${field}.custom_texts`, 'NO_SUCH_FIELD');
    mustBeText(`${field}.custom_texts.${key}`, text, 0, TEXT_MAX);
  }
  const [problem] = valueProblems({ template, values });
  if (problem === undefined) return;
  const path = `${field}.custom_texts.${problem.key}`;
  throw invalid(path, problem.kind === 'missing' ? 'REQUIRED' : 'DOES_NOT_FIT');
}

/** Counts and writes down prints; of a repeated request those that were. By waybill number. */
async function note(
  deps: Deps,
  tx: Tx,
  order: PrintOrder,
  { wanted, found, context }: Noting,
): Promise<Map<string, Print | RpcError>> {
  const places = wanted.flatMap(({ item: { waybillNumber: number } }) => {
    const row = found.get(number);
    return row === undefined ? [] : [nameOf(row)];
  });
  // Nobody cancels, erases or prints them until this ends.
  await lockRows(tx, places);
  const rows = await selectSealed(tx, places, tenantOf(context.identity));
  const prints = byNumber(await selectPrintsOf(tx, order.requestId, places));
  const hashes = new Map(wanted.map(({ item }) => [item.waybillNumber, contentsHash(order, item)]));
  const results = new Map<string, Print | RpcError>();
  const fresh: FreshPrint[] = [];
  for (const row of rows) {
    const { waybill_number: number } = row;
    const print = prints.get(number);
    const hash = hashes.get(number) as Buffer;
    const refusal = refuse(row, print, { hash, printsMax: deps.labels.printsMax });
    if (refusal !== undefined) results.set(number, refusal);
    else if (print !== undefined) results.set(number, { row, print });
    else fresh.push({ row, hash });
  }
  const made = await count(deps, tx, { order, fresh, context });
  for (const { row } of fresh) {
    const print = made.get(row.waybill_number);
    if (print !== undefined) results.set(row.waybill_number, { row, print });
  }
  const access = accessOf(context, order.ground, deps.now());
  const opened = [...results.values()].filter((each): each is Print => !(each instanceof RpcError));
  await insertAccesses(
    tx,
    opened.map(({ row: { merchant_id, waybill_number } }) => ({
      ...access,
      operation: 'read' as const,
      merchant_id,
      waybill_number,
    })),
  );
  return results;
}

/** Counts prints of waybills that are locked, and writes down each. */
async function count(
  { labels, now }: Deps,
  tx: Tx,
  { order: { requestId }, fresh, context: { identity } }: Counting,
): Promise<Map<string, LabelPrintRow>> {
  const time = now();
  const notices = fresh.map(({ row }) => ({
    bucket: row.bucket,
    number: row.waybill_number,
    isReprint: row.print_count > 0,
  }));
  const counted = await notePrints(tx, { requestId, time, notices });
  const counts = new Map(counted.map((row) => [row.waybill_number, row.print_count]));
  const rows = fresh.map(({ row, hash }) => ({
    bucket: row.bucket,
    waybill_number: row.waybill_number,
    merchant_id: row.merchant_id,
    request_id: requestId,
    contents_hash: hash,
    print_count: counts.get(row.waybill_number) ?? row.print_count,
    nonce: newNonce(),
    key_id: labels.signer.keyId,
    print_time: time,
    caller_kind: identity.kind,
    caller_id: identity.id,
    api_key_id: identity.keyId,
  }));
  return byNumber(await insertLabelPrints(tx, rows));
}

function refuse(
  row: SealedWaybillRow,
  before: LabelPrintRow | undefined,
  { hash, printsMax }: { hash: Buffer; printsMax: number },
): RpcError | undefined {
  const { waybill_number: id, state, print_count: count } = row;
  if (row.is_erased) return consigneeErased(id);
  if (!isLive(state)) return new RpcError('STATE_NOT_ALLOWED', { metadata: { state } });
  if (before !== undefined) {
    if (before.contents_hash.equals(hash)) return undefined;
    const metadata = { request_id: before.request_id };
    return new RpcError('REQUEST_ID_REUSED', { field: 'request_id', metadata });
  }
  if (count < printsMax) return undefined;
  return new RpcError('LABEL_PRINTS_USED_UP', { metadata: { id, count: String(count) } });
}

async function openPrint(deps: Deps, print: Print, item: LabelItem): Promise<OpenedPrint> {
  const consignee = await openConsignee(deps.dataKeys, print.row);
  // Its key was destroyed since it was read.
  if (consignee === undefined) throw consigneeErased(print.row.waybill_number);
  return { ...print, item, consignee };
}

/** The labels of those that could be opened. Two hundred signatures take 25 ms: in turns. */
async function toLabels(
  deps: Deps,
  opened: readonly (OpenedPrint | RpcError)[],
  drawing: Drawing,
): Promise<(PrintedLabel | RpcError)[]> {
  const others = turns();
  const labels: (PrintedLabel | RpcError)[] = [];
  for (const print of await withSortings(deps, opened)) {
    const isPrint = !(print instanceof RpcError);
    labels.push(isPrint ? await toLabel(deps, print, drawing).catch(toRpcError) : print);
    await others();
  }
  return labels;
}

async function withSortings(
  deps: Deps,
  opened: readonly (OpenedPrint | RpcError)[],
): Promise<(SortedPrint | RpcError)[]> {
  const parcels = opened.flatMap((print) =>
    print instanceof RpcError
      ? []
      : [{ courierId: print.row.courier_id, address: print.consignee.address }],
  );
  const sortings = await sortingsOf(deps, parcels);
  return opened.map((print) => {
    if (print instanceof RpcError) return print;
    const sorting = sortings.shift() as Sorting | RpcError;
    return sorting instanceof RpcError ? sorting : { ...print, sorting };
  });
}

async function toLabel(
  deps: Deps,
  { row, print, item, consignee, sorting }: SortedPrint,
  { order, templateOf }: Drawing,
): Promise<PrintedLabel> {
  const { signer } = deps.labels;
  const { nonce, print_time: issueTime } = print;
  const label: Label = {
    ...(await labelOf(deps, row, { consignee, sorting })),
    qrText: signLabel(row.waybill_number, signer, { nonce, issueTime }),
    printTime: issueTime,
    reprintCount: print.print_count - 1,
    custom:
      order.templateId === ''
        ? undefined
        : { template: await templateOf(row.merchant_id), values: item.customTexts },
  };
  // A repeated request may come after the key was changed.
  return { label, print: { ...print, key_id: signer.keyId } };
}

function byNumber(rows: LabelPrintRow[]): Map<string, LabelPrintRow> {
  return new Map(rows.map((row) => [row.waybill_number, row]));
}

/** An item with its place in the request. */
export type PlacedItem = { readonly item: LabelItem; readonly field: string };
export type PrintedLabel = { readonly label: Label; readonly print: LabelPrintRow };
export type Printing = { readonly templateOf: TemplateOf; readonly context: CallContext };

type Print = { row: SealedWaybillRow; print: LabelPrintRow };
type FreshPrint = { row: SealedWaybillRow; hash: Buffer };
type Counting = { order: PrintOrder; fresh: readonly FreshPrint[]; context: CallContext };
type Noting = {
  wanted: readonly PlacedItem[];
  found: ReadonlyMap<string, WaybillRow>;
  context: CallContext;
};
type OpenedPrint = Print & { item: LabelItem; consignee: Consignee };
type SortedPrint = OpenedPrint & { sorting: Sorting };
type Drawing = { order: PrintOrder; templateOf: TemplateOf };
