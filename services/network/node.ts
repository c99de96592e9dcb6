import { create } from '@bufbuild/protobuf';
import { invalid } from '#libs/errors';
import { cellOf, toWgs84 } from '#libs/geo';
import { type Node, Node_Kind, NodeSchema } from '#proto/queqiao/network/v1/node';
import type { Address } from '#proto/queqiao/type/v1/address';
import { type Location, Location_Datum } from '#proto/queqiao/type/v1/location';
import { courierText, optionalSlug, present, slug, text, word } from './field.ts';
import { history, newState, STATES, type State, state, type Versioned } from './message.ts';

/** What a caller says of a node, valid and named as the columns are. */
export type NodeDraft = {
  node_id: string;
  kind: Kind;
  display_name: string;
  merchant_id: string | null;
  state: State;
  phone: string;
} & AddressColumns &
  LocationColumns;

export type NodeRow = NodeDraft & Versioned & WgsColumns;

export const NODE_FIXED = ['kind', 'merchant_id'] as const satisfies (keyof NodeDraft)[];

export function parseNewNode(node: Node | undefined): NodeDraft {
  return parse(node, newState);
}

export function parseNode(node: Node | undefined): NodeDraft {
  return parse(node, state);
}

function parse(node: Node | undefined, stateOf: typeof state): NodeDraft {
  const given = present('node', node);
  return {
    node_id: slug('node.node_id', given.nodeId),
    kind: word('node.kind', given.kind, KINDS),
    display_name: text('node.display_name', given.displayName, 1, 80),
    merchant_id: optionalSlug('node.merchant_id', given.merchantId),
    state: stateOf('node.state', given.state),
    ...parseAddress(given.address),
    phone: parsePhone(given.phone),
    ...parseLocation(given.location),
  };
}

function parseAddress(address: Address | undefined): AddressColumns {
  const given = present('node.address', address);
  return {
    province: courierText('node.address.province', given.province, 1, 20),
    city: courierText('node.address.city', given.city, 0, 20),
    district: courierText('node.address.district', given.district, 0, 20),
    street: courierText('node.address.street', given.street, 0, 30),
    detail: courierText('node.address.detail', given.detail, 1, 256),
  };
}

function parsePhone(phone: string): string {
  if (phone === '') return phone;
  const digitCount = phone.replace(/\D/g, '').length;
  if (!PHONE.test(phone) || digitCount < 5 || digitCount > 20) throw invalid('node.phone', 'PHONE');
  return phone;
}

function parseLocation(location: Location | undefined): LocationColumns {
  const given = present('node.location', location);
  // Throws for what is no place; the columns in WGS-84 are made where they are written.
  toWgs84(given, 'node.location');
  const datum = given.datum === Location_Datum.UNSPECIFIED ? Location_Datum.WGS84 : given.datum;
  return {
    latitude_deg: given.latitudeDeg,
    longitude_deg: given.longitudeDeg,
    datum: word('node.location.datum', datum, DATUMS),
  };
}

/** The place of a node as the rest of the network reckons with it. */
export function wgsColumns(draft: LocationColumns): WgsColumns {
  const point = toWgs84({
    latitudeDeg: draft.latitude_deg,
    longitudeDeg: draft.longitude_deg,
    datum: DATUMS[draft.datum],
  });
  return {
    wgs84_latitude_deg: point.latitudeDeg,
    wgs84_longitude_deg: point.longitudeDeg,
    cell: cellOf(point),
  };
}

export function nodeToMessage(row: NodeRow): Node {
  return create(NodeSchema, {
    nodeId: row.node_id,
    kind: KINDS[row.kind],
    displayName: row.display_name,
    merchantId: row.merchant_id ?? '',
    state: STATES[row.state],
    address: {
      province: row.province,
      city: row.city,
      district: row.district,
      street: row.street,
      detail: row.detail,
    },
    phone: row.phone,
    location: {
      latitudeDeg: row.latitude_deg,
      longitudeDeg: row.longitude_deg,
      datum: DATUMS[row.datum],
    },
    wgs84Location: {
      latitudeDeg: row.wgs84_latitude_deg,
      longitudeDeg: row.wgs84_longitude_deg,
      datum: Location_Datum.WGS84,
    },
    cell: row.cell,
    ...history(row.node_id, row),
  });
}

/** Kinds and datums as the database holds them. */
export const KINDS = {
  warehouse: Node_Kind.WAREHOUSE,
  store: Node_Kind.STORE,
  station: Node_Kind.STATION,
} as const;
export const DATUMS = {
  wgs84: Location_Datum.WGS84,
  gcj02: Location_Datum.GCJ02,
  bd09: Location_Datum.BD09,
} as const;
const PHONE = /^\+?\d[\d-]{0,28}\d$/;

type Kind = keyof typeof KINDS;
type AddressColumns = {
  province: string;
  city: string;
  district: string;
  street: string;
  detail: string;
};
type LocationColumns = {
  latitude_deg: number;
  longitude_deg: number;
  datum: keyof typeof DATUMS;
};
type WgsColumns = { wgs84_latitude_deg: number; wgs84_longitude_deg: number; cell: string };
