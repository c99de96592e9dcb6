import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type LabelPrint, LabelPrintSchema } from '#proto/queqiao/waybill/v1/label_service';
import type { LabelPrintRow } from './store/label.ts';

export function printToMessage(row: LabelPrintRow): LabelPrint {
  return create(LabelPrintSchema, {
    waybillNumber: row.waybill_number,
    merchantId: row.merchant_id,
    printCount: row.print_count,
    nonce: row.nonce.toString('hex'),
    keyId: row.key_id,
    printTime: timestampFromDate(row.print_time),
    callerKind: row.caller_kind,
    callerId: row.caller_id,
    apiKeyId: row.api_key_id,
    requestId: row.request_id,
  });
}
