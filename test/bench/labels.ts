import {
  type Label,
  LabelSigner,
  layOut,
  newNonce,
  pdfOf,
  pngOf,
  signLabel,
  zplOf,
} from '#libs/label';
import { maskAddressDetail, maskName, maskPhone } from '#libs/privacy';
import { demoOrders } from '../../services/cli/demo.ts';
import type { BenchOptions } from './main.ts';

/**
 * Labels a second in one thread: signing, layout and drawing. The PDF is one file for as long as is
 * measured; memory is flat if a second file, as long again, does not need more. `per core` is
 * by processor time, so that neighbours on the machine do not count.
 */
export async function benchLabels({ seconds, say }: BenchOptions): Promise<Record<string, number>> {
  const source = labelSource();
  await drawPdf(source, 1);
  const pdf = await drawPdf(source, seconds);
  say(`PDF              ${Math.round(pdf.labelsPerS)} labels/s, ${pdf.bytesPerLabel} bytes each`);
  const again = await drawPdf(source, seconds);
  say(`memory           ${pdf.rssMaxMb} MB, then ${again.rssMaxMb} MB`);
  const png = drawEach(source, seconds / 4, (label) => pngOf(layOut(label, '76x130'), 203));
  const zpl = drawEach(source, seconds / 4, (label) => zplOf(layOut(label, '76x130'), 203));
  say(`PNG, ZPL         ${png} and ${zpl} labels/s`);
  return {
    pdf_labels_per_s: Math.round(pdf.labelsPerS),
    pdf_labels_per_core_s: Math.round(pdf.labelsPerCoreS),
    pdf_labels: pdf.labels + again.labels,
    pdf_bytes_per_label: pdf.bytesPerLabel,
    png_labels_per_s: png,
    zpl_labels_per_s: zpl,
    rss_max_mb: Math.max(pdf.rssMaxMb, again.rssMaxMb),
    rss_growth_mb: again.rssMaxMb - pdf.rssMaxMb,
  };
}

async function drawPdf(source: Generator<Label, never>, seconds: number): Promise<PdfFigures> {
  const startMs = performance.now();
  const startCpu = process.cpuUsage();
  let labels = 0;
  const drawings = (function* () {
    while (performance.now() - startMs < seconds * 1_000) {
      labels += 1;
      yield layOut(source.next().value, '76x130');
    }
  })();
  let bytes = 0;
  let rssMax = 0;
  for await (const part of pdfOf(drawings)) {
    bytes += part.length;
    rssMax = Math.max(rssMax, process.memoryUsage.rss());
  }
  const tookMs = performance.now() - startMs;
  const { user, system } = process.cpuUsage(startCpu);
  return {
    labels,
    labelsPerS: (labels * 1_000) / tookMs,
    labelsPerCoreS: (labels * 1e6) / (user + system),
    bytesPerLabel: Math.round(bytes / labels),
    rssMaxMb: Math.round(rssMax / 1e6),
  };
}

function drawEach(source: Generator<Label, never>, seconds: number, draw: Draw): number {
  const startMs = performance.now();
  let labels = 0;
  while (performance.now() - startMs < seconds * 1_000) {
    draw(source.next().value);
    labels += 1;
  }
  return Math.round((labels * 1_000) / (performance.now() - startMs));
}

/** Labels without end, each with a number and a signature of its own. */
function* labelSource(): Generator<Label, never> {
  const signer = new LabelSigner(Buffer.alloc(32, 7));
  const orders = demoOrders(360);
  const printTime = new Date();
  for (let serial = 0; ; serial += 1) {
    const order = orders[serial % orders.length] as (typeof orders)[number];
    const waybillNumber = `7732${String(serial).padStart(11, '0')}`;
    yield {
      courierName: '灵鹊速递',
      serviceName: '标准快递',
      waybillNumber,
      sortCode: { hub: '571', branch: 'A03', route: '08', text: `571-A03-${serial % 90}` },
      bagDestination: `${order.city}转运中心`,
      consignee: {
        name: maskName(order.name),
        phone: maskPhone(order.phone),
        address: order.province + order.city + order.district + maskAddressDetail(order.detail),
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
      goodsDescription: order.goodsDescription,
      weightG: Math.round(Number(order.weightKg) * 1_000),
      qrText: signLabel(waybillNumber, signer, { nonce: newNonce(), issueTime: printTime }),
      printTime,
      reprintCount: 0,
    };
  }
}

type Draw = (label: Label) => unknown;
type PdfFigures = {
  readonly labels: number;
  readonly labelsPerS: number;
  readonly labelsPerCoreS: number;
  readonly bytesPerLabel: number;
  readonly rssMaxMb: number;
};
