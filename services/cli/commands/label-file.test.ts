import { readdir, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RpcError } from '#libs/errors';
import { LabelFormat, LabelSize } from '#proto/queqiao/waybill/v1/label_service';
import { textsOfPdf } from '#test/support/pictures';
import {
  parcelOf,
  type SeededMerchant,
  seedMerchant,
  type TestSystem,
  testSystem,
} from '#test/support/system';
import { testFolder } from './cli.fixture.ts';
import { type PrintJob, printToFile, sameRequest } from './label-file.ts';

let system: TestSystem;
let shop: SeededMerchant;
let numbers: string[];
let folder: Awaited<ReturnType<typeof testFolder>>;

beforeAll(async () => {
  system = await testSystem();
  folder = await testFolder();
  shop = await seedMerchant(system);
  const parcels = Array.from({ length: 60 }, (_, i) => parcelOf(shop, `F-${i}`));
  const { outcomes } = await system.waybill(shop.apiKey).issueWaybills({ parcels });
  numbers = outcomes.map(({ outcome }) =>
    outcome.case === 'issued' ? outcome.value.waybillNumber : '',
  );
});
afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
  await folder?.[Symbol.asyncDispose]();
});

/** A connection whose first calls break off after so many parts. */
function breaking(calls: number, error: RpcError): PrintJob['client'] {
  const client = system.label(shop.apiKey);
  let left = calls;
  return {
    renderLabels(request) {
      const answers = client.renderLabels(request);
      if (left === 0) return answers;
      left -= 1;
      return (async function* () {
        let count = 0;
        for await (const answer of answers) {
          if (count === 3) throw error;
          count += 1;
          yield answer;
        }
      })() as ReturnType<PrintJob['client']['renderLabels']>;
    },
  };
}

function job(client: PrintJob['client'], name: string): PrintJob {
  const paper = { format: LabelFormat.PDF, size: LabelSize.LABEL_SIZE_76X130 };
  return { client, numbers, path: folder.path(name), ...paper, requestIdOf: sameRequest };
}

describe('printing into a file', () => {
  it('begins anew when the server goes away, and counts each print once', async () => {
    const client = breaking(2, new RpcError('STREAM_MOVED'));
    const printed = await printToFile(job(client, 'broken.pdf'));
    expect(printed).toMatchObject({ files: [folder.path('broken.pdf')], labels: 60, failures: [] });
    expect(await textsOfPdf(await readFile(folder.path('broken.pdf')))).toHaveLength(60);
    const { prints } = await system.label(shop.apiKey).listLabelPrints({ pageSize: 1_000 });
    expect(prints).toHaveLength(60);
  });

  it('leaves nothing behind when it gives up', async () => {
    const client = breaking(1, new RpcError('FIELD_INVALID'));
    await expect(printToFile(job(client, 'given-up.pdf'))).rejects.toThrow(RpcError);
    expect((await readdir(folder.path('.'))).filter((name) => /given-up/.test(name))).toEqual([]);
  });
});
