import { createHash } from 'node:crypto';
import { type FileHandle, open, rename, rm, writeFile } from 'node:fs/promises';
import { parse as parsePath } from 'node:path';
import type { Client } from '#libs/grpc';
import type { ItemError } from '#proto/queqiao/type/v1/item_error';
import {
  type LabelData,
  LabelDataSchema,
  LabelFormat,
  type LabelService,
  LabelSize,
} from '#proto/queqiao/waybill/v1/label_service';
import { insist } from './insist.ts';
import { toPlain } from './network-resource.ts';

/** What one call may print. */
const LABELS_MAX: Record<number, number> = {
  [LabelFormat.PDF]: 50_000,
  [LabelFormat.ZPL]: 1_000,
  [LabelFormat.PNG]: 1_000,
  [LabelFormat.DATA]: 50_000,
};

export const SIZES = {
  '76x130': LabelSize.LABEL_SIZE_76X130,
  '100x180': LabelSize.LABEL_SIZE_100X180,
} as const;
export const FORMATS = {
  pdf: LabelFormat.PDF,
  zpl: LabelFormat.ZPL,
  png: LabelFormat.PNG,
  jsonl: LabelFormat.DATA,
} as const;

/**
 * Prints labels into a file; more than one call may print go into `labels-2.pdf` and so on, and
 * pictures into a file each, `labels-<number>.png`. A file has its name once it is whole.
 */
export async function printToFile(job: PrintJob): Promise<Printed> {
  const all: Printed = { files: [], labels: 0, failures: [] };
  const max = LABELS_MAX[job.format] ?? 1_000;
  for (let from = 0; from < job.numbers.length; from += max) {
    const numbers = job.numbers.slice(from, from + max);
    const path = from === 0 ? job.path : beside(job.path, String(from / max + 1));
    const { files, labels, failures } = await printWhole({ ...job, numbers, path });
    all.files.push(...files);
    all.labels += labels;
    all.failures.push(...failures);
  }
  return all;
}

/** Begins anew when the server goes away: the same request counts nothing twice. */
function printWhole(job: PrintJob): Promise<Printed> {
  const requestId = job.requestIdOf(job.numbers);
  return insist(() => printOnce(job, requestId));
}

async function printOnce(job: PrintJob, requestId: string): Promise<Printed> {
  const { client, path, numbers, format, texts = {} } = job;
  const request = {
    requestId,
    items: numbers.map((waybillNumber) => ({ waybillNumber, customTexts: texts })),
    format,
    size: format === LabelFormat.DATA ? LabelSize.LABEL_SIZE_UNSPECIFIED : job.size,
    dpi: job.dpi ?? 0,
    templateId: job.templateId ?? '',
    reason: job.reason ?? '',
  };
  const printed: Printed = { files: [], labels: 0, failures: [] };
  await using file = new WholeFile(path);
  for await (const { part } of client.renderLabels(request)) {
    if (part.case === 'outcome') {
      const { waybillNumber, outcome } = part.value;
      if (outcome.case === 'print') printed.labels += 1;
      if (outcome.case === 'error') printed.failures.push({ waybillNumber, error: outcome.value });
    } else if (part.case === 'content' && format === LabelFormat.PNG) {
      // One alone is the file that was asked for.
      const number = numbers[part.value.itemIndex] ?? '';
      const picture = numbers.length === 1 ? path : beside(path, number);
      await writeFile(picture, part.value.data);
      printed.files.push(picture);
    } else if (part.case === 'content') await file.append(part.value.data);
    else if (part.case === 'data') await file.append(jsonLine(part.value));
  }
  if (await file.finish()) printed.files.push(path);
  return printed;
}

function jsonLine(data: LabelData): Uint8Array {
  return Buffer.from(`${JSON.stringify(toPlain(LabelDataSchema, data))}\n`);
}

/** The same labels again, by the same request: nothing is counted twice. */
export function sameRequest(numbers: readonly string[]): string {
  const hex = createHash('sha256').update(numbers.join('\n')).digest('hex');
  return hex.slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function beside(path: string, suffix: string): string {
  const { dir, name, ext } = parsePath(path);
  return `${dir === '' ? '' : `${dir}/`}${name}-${suffix}${ext}`;
}

/** Grows under the name `<path>.part`; without content there is none. */
class WholeFile implements AsyncDisposable {
  readonly #path: string;
  #handle: FileHandle | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  async append(bytes: Uint8Array): Promise<void> {
    this.#handle ??= await open(this.#partPath, 'w');
    await this.#handle.appendFile(bytes);
  }

  async finish(): Promise<boolean> {
    if (this.#handle === undefined) return false;
    await this.#handle.close();
    this.#handle = undefined;
    await rename(this.#partPath, this.#path);
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#handle === undefined) return;
    await this.#handle.close();
    this.#handle = undefined;
    await rm(this.#partPath, { force: true });
  }

  get #partPath(): string {
    return `${this.#path}.part`;
  }
}

export type PrintJob = {
  client: Pick<Client<typeof LabelService>, 'renderLabels'>;
  numbers: readonly string[];
  path: string;
  format: LabelFormat;
  size: LabelSize;
  dpi?: number | undefined;
  templateId?: string | undefined;
  texts?: Record<string, string> | undefined;
  reason?: string | undefined;
  requestIdOf: (numbers: readonly string[]) => string;
};

export type Printed = {
  files: string[];
  labels: number;
  failures: { waybillNumber: string; error: ItemError }[];
};
