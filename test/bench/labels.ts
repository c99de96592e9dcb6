import {
  type Label,
  type LabelForm,
  LabelPress,
  LabelSigner,
  newNonce,
  signLabel,
} from '#libs/label';
import { maskAddressDetail, maskName, maskPhone } from '#libs/privacy';
import { benchLabelLoad } from './label-load.ts';
import type { BenchOptions } from './main.ts';

/**
 * Labels a second of the one thread that draws: signing, layout and drawing. The PDF is one file
 * for as long as is measured; memory is flat if the last quarter of it needs no more than the
 * second did. `per core` is by processor time, so that neighbours on the machine do not count.
 */
export async function benchLabels(options: BenchOptions): Promise<Record<string, number>> {
  const { seconds, say } = options;
  await using press = new LabelPress();
  const source = labelSource();
  const drawn = (format: LabelForm['format'], forSeconds: number) =>
    draw(press, source, { format, seconds: forSeconds });
  await drawn('pdf', 1);
  const pdf = await drawn('pdf', seconds);
  say(`PDF              ${Math.round(pdf.labelsPerS)} labels/s, ${pdf.bytesPerLabel} bytes each`);
  say(`memory           ${pdf.rssMaxMb} MB, grown by ${pdf.rssGrowthMb} MB`);
  const png = Math.round((await drawn('png', seconds / 4)).labelsPerS);
  const zpl = Math.round((await drawn('zpl', seconds / 4)).labelsPerS);
  say(`PNG, ZPL         ${png} and ${zpl} labels/s`);
  return {
    pdf_labels_per_s: Math.round(pdf.labelsPerS),
    pdf_labels_per_core_s: Math.round(pdf.labelsPerCoreS),
    pdf_labels: pdf.labels,
    pdf_bytes_per_label: pdf.bytesPerLabel,
    png_labels_per_s: png,
    zpl_labels_per_s: zpl,
    rss_max_mb: pdf.rssMaxMb,
    rss_growth_mb: pdf.rssGrowthMb,
    ...(await benchLabelLoad(options)),
  };
}

async function draw(
  press: LabelPress,
  source: Generator<Label, never>,
  { format, seconds }: { format: LabelForm['format']; seconds: number },
): Promise<Figures> {
  const startMs = performance.now();
  const startCpu = process.cpuUsage();
  using file = press.open({ format, size: '76x130', dpi: 203 });
  const together = format === 'pdf' ? 20 : 1;
  let [labels, bytes] = [0, 0];
  const rss: number[] = [];
  while (performance.now() - startMs < seconds * 1_000) {
    const batch = Array.from({ length: together }, () => source.next().value);
    for (const part of await file.draw(batch)) bytes += part?.length ?? 0;
    labels += together;
    rss.push(process.memoryUsage.rss());
  }
  bytes += (await file.end())?.length ?? 0;
  const tookMs = performance.now() - startMs;
  const { user, system } = process.cpuUsage(startCpu);
  return {
    labels,
    labelsPerS: (labels * 1_000) / tookMs,
    labelsPerCoreS: (labels * 1e6) / (user + system),
    bytesPerLabel: Math.round(bytes / labels),
    rssMaxMb: largestMb(rss),
    rssGrowthMb: largestMb(quarter(rss, 3)) - largestMb(quarter(rss, 1)),
  };
}

function quarter(samples: readonly number[], index: number): number[] {
  const length = samples.length / 4;
  return samples.slice(Math.floor(length * index), Math.ceil(length * (index + 1)));
}

function largestMb(bytes: readonly number[]): number {
  return Math.round(Math.max(...bytes) / 1e6);
}

/** Labels without end, each with a number and a signature of its own. */
function* labelSource(): Generator<Label, never> {
  const signer = new LabelSigner(Buffer.alloc(32, 7));
  const printTime = new Date();
  for (let serial = 0; ; serial += 1) {
    const of = (list: readonly string[], step = 1) => list[Math.floor(serial / step) % list.length];
    const waybillNumber = `7732${String(serial).padStart(11, '0')}`;
    const detail = `${of(ROADS)}${(serial % 999) + 1}号${(serial % 30) + 1}幢2单元${serial % 900}室`;
    yield {
      courierName: '灵鹊速递',
      serviceName: '标准快递',
      waybillNumber,
      sortCode: { hub: '571', branch: 'A03', route: '08', text: `571-A03-${serial % 90}` },
      bagDestination: `${of(CITIES, 7)}转运中心`,
      consignee: {
        name: maskName(`${of(SURNAMES)}小明`),
        phone: maskPhone(`138${String(serial % 1e8).padStart(8, '0')}`),
        address: `${of(CITIES, 7)}${of(DISTRICTS, 3)}${maskAddressDetail(detail)}`,
      },
      sender: {
        name: '云杉茶业',
        phone: '0571-******21',
        address: '浙江省杭州市余杭区五常大道*号',
      },
      services: serial % 5 === 0 ? [{ kind: 'cod', amountFen: BigInt(serial) }] : [],
      parcelNo: 1,
      parcelCount: 1,
      orderRef: `SO-${serial}`,
      goodsDescription: `${of(GOODS, 2)} ${(serial % 9) + 1}件`,
      weightG: 300 + (serial % 5_000),
      qrText: signLabel(waybillNumber, signer, { nonce: newNonce(), issueTime: printTime }),
      printTime,
      reprintCount: 0,
    };
  }
}

const SURNAMES = [...'赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜'];
const CITIES = ['浙江省杭州市', '江苏省苏州市', '四川省成都市', '黑龙江省齐齐哈尔市', '上海市'];
const DISTRICTS = ['西湖区', '余杭区', '姑苏区', '武侯区', '建华区', '浦东新区', '高新技术开发区'];
const ROADS = ['文一西路', '学院路', '人民南路', '中山东一路', '望江门外直街', '科技园北环大道'];
const GOODS = ['龙井茶叶', '玻璃公道杯', '铁观音礼盒', '手工竹茶则', '景德镇青花瓷盖碗'];

type Figures = {
  readonly labels: number;
  readonly labelsPerS: number;
  readonly labelsPerCoreS: number;
  readonly bytesPerLabel: number;
  readonly rssMaxMb: number;
  readonly rssGrowthMb: number;
};
