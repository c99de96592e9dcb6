import type { CustomTemplate } from './custom-area.ts';
import { LabelSigner } from './keys.ts';
import type { Label, LabelSize } from './label.ts';
import { signLabel } from './payload.ts';

/** Known to everybody. */
export const SAMPLE_SIGNER = new LabelSigner(Buffer.alloc(32, 7));
const SAMPLE_PRINT = {
  nonce: Buffer.from('0102030405060708', 'hex'),
  issueTime: new Date('2026-11-25T12:34:56Z'),
};

/** A label with all areas full, as a shop prints it. */
export function sampleLabel(changes: Partial<Label> = {}): Label {
  return {
    courierName: '灵鹊速递',
    serviceName: '标准快递',
    waybillNumber: '773212345678901',
    sortCode: { hub: '571', branch: 'A03', route: '08', text: '571-A03-08' },
    bagDestination: '杭州转运中心',
    consignee: {
      name: '欧阳**',
      phone: '138******78',
      address: '浙江省杭州市西湖区文一西路969号*幢*单元*室',
    },
    sender: {
      name: '织女**',
      phone: '571-******21',
      address: '浙江省杭州市余杭区五常大道168号*号库',
    },
    services: [
      { kind: 'cod', amountFen: 128_050n },
      { kind: 'insured', valueFen: 500_000n },
    ],
    parcelNo: 2,
    parcelCount: 5,
    parentNumber: '773212345678900',
    orderRef: 'SO-20261125-000173',
    goodsDescription: '龙井茶叶 礼盒装',
    weightG: 1_280,
    qrText: signLabel(changes.waybillNumber ?? '773212345678901', SAMPLE_SIGNER, SAMPLE_PRINT),
    printTime: new Date('2026-11-25T12:34:56Z'),
    reprintCount: 1,
    ...changes,
  };
}

/** A template that fills the merchant's area of a size. */
export function sampleTemplate(size: LabelSize): CustomTemplate {
  const wide = size === '76x130' ? 1 : 1.33;
  const at = (xMm: number, yMm: number, widthMm: number, heightMm: number) => ({
    xMm: xMm * wide,
    yMm: yMm * wide,
    widthMm: widthMm * wide,
    heightMm: heightMm * wide,
  });
  return {
    size,
    fields: [
      {
        ...at(1, 1, 42, 9),
        key: 'goods',
        caption: '拣货',
        textSizeMm: 3 * wide,
        weight: 'medium',
        isRequired: true,
      },
      {
        ...at(46, 1, 24, 9),
        key: 'shelf',
        caption: '',
        textSizeMm: 6 * wide,
        weight: 'bold',
        isRequired: false,
      },
      {
        ...at(1, 11, 69, 4.5),
        key: 'thanks',
        caption: '',
        textSizeMm: 3 * wide,
        weight: 'medium',
        isRequired: false,
      },
    ],
  };
}

export function sampleCustom(size: LabelSize): Label['custom'] {
  return {
    template: sampleTemplate(size),
    values: {
      goods: '龙井 250g ×2，茶则 ×1',
      shelf: 'B-07-3',
      thanks: '感谢惠顾，七天无理由退换。',
    },
  };
}
