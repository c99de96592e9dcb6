import { generateKeySync } from 'node:crypto';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from 'vitest';
import { ByteWriter } from '#libs/bytes';
import { RpcError } from '#libs/errors';
import { maskedConsignee, open } from '#libs/privacy';
import { WaybillsIssuedSchema } from '#proto/queqiao/waybill/v1/event';
import {
  ConsigneeSchema,
  MaskedConsigneeSchema,
  type Parcel,
  ParcelSchema,
  Waybill_State,
} from '#proto/queqiao/waybill/v1/waybill';
import {
  IssuedWaybillSchema,
  IssueWaybillsResponseSchema,
} from '#proto/queqiao/waybill/v1/waybill_service';
import { encodeOutcomes, outcomeOf } from './answer.ts';
import { issuedEventPart, writeIssuedPart } from './events.ts';
import type { IssueAnswer } from './issue.ts';
import { type Draw, IssueBlock } from './issue-block.ts';
import { toBody } from './message.ts';
import { type ParcelDraft, parseParcel } from './parcel.ts';
import { type ScannedParcel, scanParcel } from './parcel-scan.ts';

// What is written straight as bytes is compared with what the ordinary encoders make of the same.

const key = generateKeySync('aes', { length: 256 });
const issueTime = new Date('2026-11-11T00:00:00.123Z');

describe('an issue block', () => {
  it('holds the same for a parcel in its bytes and for the decoded one', () => {
    const scanned = rowOf(new IssueBlock(), scannedParcel());
    const decoded = rowOf(new IssueBlock(), parseParcel(message()));
    expect({ ...scanned, sealed: undefined }).toEqual({ ...decoded, sealed: undefined });
    const number = Buffer.from('1234567890');
    for (const { sealed } of [scanned, decoded]) {
      const consignee = fromBinary(ConsigneeSchema, open(key, sealed, number));
      expect(consignee).toEqual(message().consignee);
      expect(() => open(key, sealed, Buffer.from('1234567891'))).toThrow();
    }
    expect(fromBinary(ParcelSchema, scanned.body)).toEqual(
      fromBinary(ParcelSchema, toBody(message())),
    );
    expect(fromBinary(MaskedConsigneeSchema, scanned.masked)).toEqual(
      maskedConsignee(parseParcel(message()).consignee),
    );
  });

  it('holds nothing of the time before when it is used again', () => {
    const block = new IssueBlock();
    rowOf(block, parseParcel({ ...message(), orderRef: 'EARLIER', remark: '此前' }));
    block.clear();
    const again = rowOf(block, scannedParcel());
    expect({ ...again, sealed: undefined }).toEqual({
      ...rowOf(new IssueBlock(), scannedParcel()),
      sealed: undefined,
    });
    expect(block.rowCount).toBe(1);
  });

  it('spreads many parcels over events of at most 250, each parcel in one', () => {
    const block = new IssueBlock();
    const draft = scannedParcel();
    const parcels = Array.from({ length: 620 }, (_, i) => ({ draft, number: `N${i}` }));
    block.add({ ...draw(draft), parcels });
    const payloads = elements(block.newParameters().at(-1) as Buffer);
    const events = payloads.map((payload) => fromBinary(WaybillsIssuedSchema, payload).parcels);
    expect(events.map(({ length }) => length)).toEqual([250, 250, 120]);
    const numbers = events.flat().map(({ waybillNumber }) => waybillNumber);
    expect(numbers).toEqual(parcels.map(({ number }) => number));
    // The careful insert gets the same, parcel by parcel.
    const parts = elements(block.mixedParameters().at(-1) as Buffer);
    expect(Buffer.concat(parts)).toEqual(Buffer.concat(payloads));
  });
});

describe('the event of an issued parcel', () => {
  it('is the same from bytes as from a message', () => {
    const writer = new ByteWriter(1);
    writeIssuedPart(writer, draw(scannedParcel()), scannedParcel(), '1234567890');
    const wanted = issuedEventPart(draw(scannedParcel()), parseParcel(message()), '1234567890');
    expect(fromBinary(WaybillsIssuedSchema, writer.toBuffer())).toEqual(
      fromBinary(WaybillsIssuedSchema, wanted),
    );
  });
});

describe('the answer to a batch', () => {
  it('is what the ordinary encoder would have made of the outcomes', () => {
    const issued: IssueAnswer = create(IssuedWaybillSchema, {
      waybillNumber: '1234567890',
      issueTime: timestampFromDate(issueTime),
      state: Waybill_State.ISSUED,
    });
    const known: IssueAnswer = { ...issued, alreadyIssued: true, state: Waybill_State.CANCELLED };
    const error = new RpcError('NODE_NOT_FOUND', { field: 'node_id', metadata: { id: 'x' } });
    const parcels = [
      scannedParcel(),
      scannedParcel(),
      parseParcel(message()),
      { orderRef: '坏 ref', parcelNo: 7, error },
    ];
    const answers = [issued, known, issued, error];
    const outcomes = parcels.map((parcel, i) => outcomeOf(parcel, answers[i] as IssueAnswer));
    const wanted = create(IssueWaybillsResponseSchema, { outcomes });
    const bytes = encodeOutcomes({ parcels, answers });
    expect(fromBinary(IssueWaybillsResponseSchema, bytes)).toEqual(
      fromBinary(IssueWaybillsResponseSchema, toBinary(IssueWaybillsResponseSchema, wanted)),
    );
  });
});

function rowOf(block: IssueBlock, draft: ParcelDraft) {
  block.add(draw(draft));
  const row = block.newParameters().map((parameter) => elements(parameter)[0] as Buffer);
  const [index, number, orderRef, parcelNo, , , , body, masked, sealed, ...rest] = row as Buffer[];
  return {
    texts: [index, number, orderRef, parcelNo, ...rest.slice(0, -1)].map(String),
    body: body as Buffer,
    masked: masked as Buffer,
    sealed: sealed as Buffer,
    event: fromBinary(WaybillsIssuedSchema, rest.at(-1) as Buffer),
  };
}

function draw(draft: ParcelDraft): Draw {
  return {
    merchantId: 'shop',
    bucket: 7,
    courierId: 'lingque',
    serviceCode: 'standard',
    nodeId: 'hangzhou-cang',
    accountId: '',
    prepaid: null,
    state: 'issued',
    dataKey: { key, dataKeyId: 5n, phoneIndexOf: (phone) => BigInt(phone) },
    issueTime,
    eventSubject: 'queqiao.v1.waybill.lingque.issued',
    parcels: [{ draft, number: '1234567890' }],
  };
}

function scannedParcel(): ScannedParcel {
  const bytes = Buffer.from(toBinary(ParcelSchema, message()));
  const scanned = scanParcel(bytes, 0, bytes.length);
  if (scanned === undefined) throw new Error('the parcel is not plain');
  return scanned;
}

function message(): Parcel {
  return create(ParcelSchema, {
    orderRef: 'A-1',
    parcelNo: 2,
    courierId: 'lingque',
    serviceCode: 'standard',
    nodeId: 'hangzhou-cang',
    consignee: {
      name: '欧阳修远',
      phone: '13800001234',
      address: {
        province: '浙江省',
        city: '杭州市',
        district: '西湖区',
        detail: `文三路100号${'长'.repeat(60)}`,
      },
    },
    weightG: 800,
    volumeMl: 200_000,
    goodsValueFen: 12_345n,
    goodsDescription: '茶叶',
    remark: '轻放',
  });
}

/** The elements of an array parameter. */
function elements(parameter: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 20; at < parameter.length; ) {
    const length = parameter.readInt32BE(at);
    const end = at + 4 + Math.max(0, length);
    found.push(parameter.subarray(at + 4, end));
    at = end;
  }
  return found;
}
