-- Where couriers deliver, and by which codes they sort. Code of the release before runs beside it.

create domain network.sort_segment as text collate "C" check (value ~ '^[A-Z0-9]{0,8}$');

create table network.area (
  area_id network.slug primary key,
  courier_id network.slug not null constraint area_courier references network.courier,
  kind text collate "C" not null check (kind in ('service', 'blocked', 'territory')),
  display_name text not null check (length(display_name) <= 80),
  state network.state not null,
  cell_count integer not null check (cell_count between 0 and 50000),
  hub_code network.sort_segment not null,
  branch_code network.sort_segment not null,
  route_code network.sort_segment not null,
  bag_destination text not null check (length(bag_destination) <= 20),
  reason text not null check (length(reason) <= 80),
  start_time timestamptz,
  end_time timestamptz,
  version bigint not null default 1 check (version >= 1),
  create_time timestamptz not null,
  update_time timestamptz not null,
  unique (area_id, courier_id),
  check (start_time < end_time),
  check ((kind = 'territory') = (hub_code <> '' and branch_code <> '')),
  check (kind = 'territory' or (route_code = '' and bag_destination = '')),
  check ((kind = 'blocked') = (reason <> '')),
  check (kind = 'blocked' or (start_time is null and end_time is null))
);
create index area_courier_id on network.area (courier_id, area_id);

-- An area's cells, compacted: no row's cell lies within another row's.
create table network.area_cell (
  area_id network.slug not null,
  courier_id network.slug not null,
  cell bigint not null,
  -- Of a territory that was divided; empty otherwise.
  route_code network.sort_segment not null default '',
  primary key (area_id, cell),
  foreign key (area_id, courier_id) references network.area (area_id, courier_id)
);
create index area_cell_courier_id on network.area_cell (courier_id, cell);

create table network.area_division (
  area_id network.slug not null,
  courier_id network.slug not null,
  division_code text collate "C" not null
    check (division_code ~ '^([0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{9})$'),
  primary key (area_id, division_code),
  foreign key (area_id, courier_id) references network.area (area_id, courier_id)
);
create index area_division_courier_id on network.area_division (courier_id, division_code);

-- A courier's own sort codes as it uploaded them. Of those that are active the newest counts.
create table network.sort_table (
  sort_table_id network.slug primary key,
  courier_id network.slug not null constraint sort_table_courier references network.courier,
  state network.state not null,
  row_count integer not null check (row_count between 1 and 50000),
  -- SHA-256 of the rows: a repeated upload is told from another one.
  rows_hash bytea not null check (length(rows_hash) = 32),
  version bigint not null default 1 check (version >= 1),
  create_time timestamptz not null,
  update_time timestamptz not null,
  unique (sort_table_id, courier_id)
);
create index sort_table_courier_id on network.sort_table (courier_id, create_time);

create table network.sort_row (
  sort_table_id network.slug not null,
  courier_id network.slug not null,
  -- A division code, or a cell as 15 hex digits.
  place text collate "C" not null check (place ~ '^([0-9]{2,9}|[0-9a-f]{15})$'),
  hub_code network.sort_segment not null check (hub_code <> ''),
  branch_code network.sort_segment not null,
  route_code network.sort_segment not null,
  bag_destination text not null check (length(bag_destination) <= 20),
  primary key (sort_table_id, place),
  foreign key (sort_table_id, courier_id) references network.sort_table (sort_table_id, courier_id)
);

-- The wall, see 0004_identity.sql. A courier reads and writes what is its own; what merchants may
-- know of it, the service answers in its own words.
grant select, insert, update on network.area, network.sort_table to queqiao_network;
grant select, insert, update, delete on network.area_cell, network.area_division
  to queqiao_network;
grant select, insert on network.sort_row to queqiao_network;

do $$
declare
  walled name;
begin
  foreach walled in array array['area', 'area_cell', 'area_division', 'sort_table',
    'sort_row'] loop
    execute format('alter table network.%I enable row level security', walled);
    execute format('alter table network.%I force row level security', walled);
    execute format(
      'create policy everybody on network.%I using ((select network.tenant_is_everybody()))',
      walled);
    execute format(
      'create policy of_courier on network.%I
         using (courier_id = (select network.tenant_courier()))',
      walled);
  end loop;
end $$;
