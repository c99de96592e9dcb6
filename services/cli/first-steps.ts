/** What a new user can do with a system that has just started: lines that work as they stand. */
export function whatToTry({ address, stateDir, hasLabels }: Started): string {
  const labels = hasLabels
    ? `\nLabels of the sample orders, ready to print: ${stateDir}/demo/labels.pdf\n`
    : '';
  return `${labels}
Try, in a second terminal of this folder:

  export QUEQIAO_API_KEY=$(cat ${stateDir}/secrets/merchant.api-key)

  npm run --silent queqiao -- waybill list --limit 5
  npm run --silent queqiao -- issue ${stateDir}/demo/orders.csv
  npm run --silent queqiao -- label keys

  ${grpcurlLine(address)}

Or save this as hello.mjs in this folder and run: node hello.mjs

${indent(clientProgram(address))}
`;
}

/** Lists waybills with grpcurl (https://github.com/fullstorydev/grpcurl), by reflection. */
export function grpcurlLine(address: string): string {
  return (
    'grpcurl -plaintext -H "authorization: Bearer $QUEQIAO_API_KEY" ' +
    `-d '{"page_size":3}' ${address} queqiao.waybill.v1.WaybillService/ListWaybills`
  );
}

/** Five lines that are TypeScript and JavaScript alike. */
export function clientProgram(address: string): string {
  return `import { connect } from 'queqiao/client';
const queqiao = connect('${address}', process.env.QUEQIAO_API_KEY ?? '');
const { waybills } = await queqiao.waybill.listWaybills({ pageSize: 3 });
for (const { waybillNumber, consignee } of waybills) console.log(waybillNumber, consignee?.name);
queqiao.close();
`;
}

type Started = { address: string; stateDir: string; hasLabels: boolean };

function indent(text: string): string {
  return text.trimEnd().replace(/^/gm, '  ');
}
