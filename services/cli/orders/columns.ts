import type { Place } from './problems.ts';

/** The column that a heading or JSON key means; undefined if none. */
export function columnOf(heading: string): Column | undefined {
  return COLUMN_OF_NAME.get(plainHeading(heading));
}

/** Why a heading that looks useful is not used; undefined if nothing is known about it. */
export function hintOf(heading: string): string | undefined {
  return HINTS.get(plainHeading(heading));
}

/** Where a cell is, named as the file names it. */
export function cellPlace(column: Column, heading: string = column): Place {
  return { field: COLUMNS[column].field, label: heading };
}

/** `order_ref (订单号, 订单编号, …)`: a column for people. */
export function describeColumn(column: Column): string {
  return `${column} (${COLUMNS[column].names.join(', ')})`;
}

/** Two columns for the same thing in different units count as one. */
export function targetOf(column: Column): string {
  return COLUMNS[column].field;
}

/** Full and half width, case, spaces, joiners and the star of "required" make no difference. */
export function plainHeading(heading: string): string {
  return heading
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\s_*.\-\u200b\ufeff]/g, '');
}

/** The one table of headings; each column's own name is one too, camelCase included. */
const COLUMNS = {
  order_ref: column('order_ref', ['订单号', '订单编号', '商家订单号', 'order_no', 'order_number']),
  parcel_no: column('parcel_no', ['包裹序号', '包裹号']),
  courier_id: column('courier_id', ['快递公司', '快递', 'courier']),
  service_code: column('service_code', ['产品', '服务', 'service']),
  node_id: column('node_id', ['发货仓', '仓库', '发货网点', 'node', 'warehouse']),
  account_id: column('account_id', ['快递账号', '账号', 'account']),
  name: column('consignee.name', ['收件人', '收货人', '姓名', '收件人姓名', '收货人姓名']),
  phone: column('consignee.phone', [
    ...['电话', '手机', '联系电话', '手机号', '手机号码', '收件人电话', '收件人手机'],
    ...['收货人电话', '收货人手机', 'mobile', 'telephone'],
  ]),
  province: column('consignee.address.province', ['省', '省份']),
  city: column('consignee.address.city', ['市', '城市']),
  district: column('consignee.address.district', ['区县', '区', '区/县', '县']),
  street: column('consignee.address.street', ['街道', '乡镇', '街道/乡镇', '镇']),
  detail: column('consignee.address.detail', ['详细地址', '地址', '收货地址', 'address']),
  weight_g: column('weight_g', ['重量(克)', '重量克', '重量(g)', '重量g']),
  weight_kg: column('weight_g', [
    ...['重量(千克)', '重量千克', '重量(公斤)', '重量公斤', '重量(kg)', '重量kg'],
  ]),
  volume_ml: column('volume_ml', ['体积(毫升)', '体积毫升', '体积(ml)', '体积ml']),
  goods_value_yuan: column('goods_value_fen', ['货值(元)', '货值元', '商品金额(元)']),
  goods_value_fen: column('goods_value_fen', ['货值(分)', '货值分']),
  goods_description: column('goods_description', ['物品', '品名', '物品名称', '商品', '商品名称']),
  remark: column('remark', ['备注', '买家留言', 'note']),
  merged_order_refs: column('merged_order_refs', ['合并订单号', '合并订单']),
  parcel_count: column('parcel_count', ['包裹总数', '总件数', '子母件数']),
  hold_node_id: column('hold_node_id', ['前置网点', '前置仓', 'hold_node']),
  cod_yuan: column('added_services.cod', ['代收货款(元)', '代收货款元', '代收金额(元)']),
  cod_fen: column('added_services.cod', ['代收货款(分)', '代收货款分']),
  insured_yuan: column('added_services.insured', ['保价(元)', '保价元', '保价金额(元)']),
  insured_fen: column('added_services.insured', ['保价(分)', '保价分']),
};

const COLUMN_OF_NAME = new Map<string, Column>(
  (Object.keys(COLUMNS) as Column[]).flatMap((name) => {
    const { field, names } = COLUMNS[name];
    // A path is good for a heading too, unless two columns in different units share it.
    const path = field.startsWith('consignee.') ? [field] : [];
    return [name, ...names, ...path].map((alias): [string, Column] => [plainHeading(alias), name]);
  }),
);

/** A quantity without its unit is not guessed: 2 may be grams or kilograms. */
const HINTS = new Map<string, string>(
  [
    ...['重量', 'weight', '净重', '毛重'].map((name) => [name, 'weight_g, weight_kg, 重量(克)']),
    ...['体积', 'volume'].map((name) => [name, 'volume_ml, 体积(毫升)']),
    ...['货值', '商品金额', 'goods_value', 'value'].map((name) => [
      name,
      'goods_value_yuan, 货值(元)',
    ]),
    ...['代收货款', '代收金额', 'cod'].map((name) => [name, 'cod_yuan, 代收货款(元)']),
    ...['保价', '保价金额', 'insured'].map((name) => [name, 'insured_yuan, 保价(元)']),
  ].map(([name = '', better = '']) => [plainHeading(name), better]),
);

function column(field: string, names: string[]): ColumnRow {
  return { field, names };
}

export type Column = keyof typeof COLUMNS;

type ColumnRow = {
  /** Path in a Parcel. */
  field: string;
  /** Further headings, the best known first. */
  names: string[];
};
