-- The wall between tenants, see libs/db/sql/0002_tenant_wall.sql. Code that does not say for whom a
-- statement works does not run beside it.

-- Behind the wall a search by an expression such as lower(order_ref) cannot use its index: Postgres
-- evaluates no function that might tell of its argument before it knows whose row it is. A
-- comparison of a column may come first.
alter table waybill.waybill
  add column order_key text collate "C" not null generated always as (lower(order_ref)) stored;
drop index waybill.waybill_parcel_key;
create unique index waybill_parcel_key on waybill.waybill
  (bucket, merchant_id, order_key, parcel_no);

-- How many waybills a caller's quota of a day (UTC) has given out. It belongs to a key or token
-- issuer, which may be an operator's, and is nothing that a tenant ever asks for.
create table waybill.issue_quota (
  quota_id text collate "C" not null,
  day date not null,
  taken_count bigint not null check (taken_count >= 0),
  primary key (quota_id, day)
);

-- Every table that names a merchant. What names none is common to all, as leases of numbers, or
-- belongs to a row that names one, see below.
do $$
declare
  entry record;
begin
  for entry in
    select relation.oid::regclass as name, exists (
        select from pg_attribute where attrelid = relation.oid and attname = 'merchant_id'
      ) as is_tenants
    from pg_class as relation
    where relnamespace = 'waybill'::regnamespace and relkind in ('r', 'p')
      and relname !~ '^(outbox|inbox|migration)'
  loop
    if entry.is_tenants then
      call waybill.raise_tenant_wall(entry.name);
    else
      execute format('grant select, insert, update, delete on %s to queqiao_waybill', entry.name);
    end if;
  end loop;
end $$;
grant usage on all sequences in schema waybill to queqiao_waybill;

-- A notice belongs to whom its waybill belongs to.
alter table waybill.print_notice enable row level security;
alter table waybill.print_notice force row level security;
create policy of_waybill on waybill.print_notice using (
  exists (
    select from waybill.waybill
    where waybill.bucket = print_notice.bucket
      and waybill.waybill_number = print_notice.waybill_number
  )
);
