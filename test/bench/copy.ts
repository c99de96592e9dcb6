import { Client as Postgres } from 'pg';

/** Rows per second of COPY: the rows just issued, written out by Postgres and read in again. */
export async function benchCopy(databaseUrl: string): Promise<number> {
  const postgres = new Postgres({ connectionString: databaseUrl });
  await postgres.connect();
  try {
    const file = `copy-${Date.now()}.bin`;
    await postgres.query(
      `copy (select * from waybill.waybill limit 200000) to program 'cat > /tmp/${file}' binary`,
    );
    await postgres.query(
      `create table copy_target (like waybill.waybill including defaults including constraints);
       alter table copy_target add primary key (bucket, waybill_number);
       create unique index on copy_target (bucket, merchant_id, lower(order_ref), parcel_no)`,
    );
    const startMs = performance.now();
    const { rowCount } = await postgres.query(`copy copy_target from '/tmp/${file}' binary`);
    const seconds = (performance.now() - startMs) / 1_000;
    await postgres.query(`copy (select 1) to program 'rm -f /tmp/${file}'; drop table copy_target`);
    return (rowCount ?? 0) / seconds;
  } finally {
    await postgres.end();
  }
}
