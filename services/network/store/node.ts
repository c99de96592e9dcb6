import type { Queryable, Tx } from '#libs/db';
import type { NodeDraft, NodeRow } from '../node.ts';
import { wgsColumns } from '../node.ts';
import { type Page, rowLimit } from '../page.ts';
import type { Viewer } from '../viewer.ts';
import { explained } from './constraint.ts';

// What an update replaces.
const CHANGEABLE = `display_name, state, province, city, district, street, detail, phone,
  latitude_deg, longitude_deg, datum, wgs84_latitude_deg, wgs84_longitude_deg, cell`;

const COLUMNS = `node_id, kind, merchant_id, ${CHANGEABLE}, version, create_time, update_time`;

// $1 is who reads, $2 the reader's own id.
const VISIBLE = `($1::text = 'all'
  or $1::text = 'merchant' and (merchant_id is null or merchant_id = $2::text))`;

/**
 * Undefined if the id is taken; waits for another insert of the same id to end.
 * MERCHANT_NOT_FOUND if there is no such owner.
 */
export async function insertNode(
  tx: Tx,
  node: NodeDraft,
  createTime: Date,
): Promise<NodeRow | undefined> {
  const query = tx.query<NodeRow>(
    `insert into network.node
       (node_id, kind, merchant_id, ${CHANGEABLE}, create_time, update_time)
     select node_id, kind, merchant_id, ${CHANGEABLE}, $2::timestamptz, $2::timestamptz
     from jsonb_populate_record(null::network.node, $1::jsonb)
     on conflict (node_id) do nothing
     returning ${COLUMNS}`,
    [JSON.stringify({ ...node, ...wgsColumns(node) }), createTime],
  );
  const rows = await explained(query, node);
  return rows[0];
}

/** Undefined if the version of the row is another one. */
export async function replaceNode(
  tx: Tx,
  node: NodeDraft,
  { version, updateTime }: { version: string; updateTime: Date },
): Promise<NodeRow | undefined> {
  const rows = await tx.query<NodeRow>(
    `update network.node
     set (${CHANGEABLE}) = (
         select ${CHANGEABLE}
         from jsonb_populate_record(null::network.node, $1::jsonb)),
       version = version + 1,
       update_time = $4::timestamptz
     where node_id = $2::text and version = $3::int8
     returning ${COLUMNS}`,
    [JSON.stringify({ ...node, ...wgsColumns(node) }), node.node_id, version, updateTime],
  );
  return rows[0];
}

/** Undefined if there is none that the viewer may see. */
export async function selectNode(
  db: Queryable,
  nodeId: string,
  viewer: Viewer,
): Promise<NodeRow | undefined> {
  const rows = await db.query<NodeRow>(
    `select ${COLUMNS}
     from network.node
     where ${VISIBLE} and node_id = $3::text`,
    [viewer.kind, viewer.id, nodeId],
    { name: 'network_select_node', tenant: viewer.setting },
  );
  return rows[0];
}

/** In order of node_id; only what the merchant may use, if one is given. */
export function selectNodes(
  db: Queryable,
  page: Page,
  { viewer, merchantId }: { viewer: Viewer; merchantId: string | null },
): Promise<NodeRow[]> {
  return db.query<NodeRow>(
    `select ${COLUMNS}
     from network.node
     where ${VISIBLE} and node_id > $3::text
       and ($5::text is null or merchant_id is null or merchant_id = $5::text)
     order by node_id
     limit $4::int4`,
    [viewer.kind, viewer.id, page.after, rowLimit(page), merchantId],
    { tenant: viewer.setting },
  );
}
