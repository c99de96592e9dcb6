import type { Queryable, Tx } from '#libs/db';
import type { CourierDraft, CourierRow } from '../courier.ts';
import { type Page, rowLimit } from '../page.ts';
import type { Viewer } from '../viewer.ts';

const CHANGEABLE = `display_name, state, services, added_services, account_required`;

const COLUMNS = `courier_id, ${CHANGEABLE}, version, create_time, update_time`;

// $1 is who reads, $2 the reader's own id. A merchant has to see whom it can send with.
const VISIBLE = `($1::text in ('all', 'merchant')
  or $1::text = 'courier' and courier_id = $2::text)`;

/** Undefined if the id is taken; waits for another insert of the same id to end. */
export async function insertCourier(
  tx: Tx,
  courier: CourierDraft,
  createTime: Date,
): Promise<CourierRow | undefined> {
  const rows = await tx.query<CourierRow>(
    `insert into network.courier
       (courier_id, ${CHANGEABLE}, create_time, update_time)
     select courier_id, ${CHANGEABLE}, $2::timestamptz, $2::timestamptz
     from jsonb_populate_record(null::network.courier, $1::jsonb)
     on conflict (courier_id) do nothing
     returning ${COLUMNS}`,
    [JSON.stringify(courier), createTime],
  );
  return rows[0];
}

/** Undefined if the version of the row is another one. */
export async function replaceCourier(
  tx: Tx,
  courier: CourierDraft,
  { version, updateTime }: { version: string; updateTime: Date },
): Promise<CourierRow | undefined> {
  const rows = await tx.query<CourierRow>(
    `update network.courier
     set (${CHANGEABLE}) = (
         select ${CHANGEABLE}
         from jsonb_populate_record(null::network.courier, $1::jsonb)),
       version = version + 1,
       update_time = $4::timestamptz
     where courier_id = $2::text and version = $3::int8
     returning ${COLUMNS}`,
    [JSON.stringify(courier), courier.courier_id, version, updateTime],
  );
  return rows[0];
}

/** Undefined if there is none that the viewer may see. */
export async function selectCourier(
  db: Queryable,
  courierId: string,
  viewer: Viewer,
): Promise<CourierRow | undefined> {
  const rows = await db.query<CourierRow>(
    `select ${COLUMNS}
     from network.courier
     where ${VISIBLE} and courier_id = $3::text`,
    [viewer.kind, viewer.id, courierId],
    { name: 'network_select_courier', tenant: viewer.setting },
  );
  return rows[0];
}

/** In order of courier_id. */
export function selectCouriers(db: Queryable, page: Page, viewer: Viewer): Promise<CourierRow[]> {
  return db.query<CourierRow>(
    `select ${COLUMNS}
     from network.courier
     where ${VISIBLE} and courier_id > $3::text
     order by courier_id
     limit $4::int4`,
    [viewer.kind, viewer.id, page.after, rowLimit(page)],
    { tenant: viewer.setting },
  );
}
