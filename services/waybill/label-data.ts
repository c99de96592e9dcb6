import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type Label, serviceTexts } from '#libs/label';
import { type LabelData, LabelDataSchema } from '#proto/queqiao/waybill/v1/label_service';

/** What stands on a label, for software that draws it by itself. */
export function labelToData(label: Label): LabelData {
  const { custom: _, services: __, sortCode, printTime, parentNumber, ...same } = label;
  return create(LabelDataSchema, {
    ...same,
    ...(sortCode !== undefined && { sortCode }),
    services: serviceTexts(label),
    parentWaybillNumber: parentNumber ?? '',
    printTime: timestampFromDate(printTime),
  });
}
