-- Outbox, relay position and inbox of one service, made in the service's own schema: names are
-- not qualified because the runner sets search_path to it. First release: no older code runs.

-- A plain sequence: an identity column does not reach partitions before Postgres 17.
create sequence outbox_id as bigint;

-- Events in the transaction of their cause. xid is the writer's transaction: read in the order of
-- (xid, id) and only below the oldest transaction still running, no row that commits late is
-- skipped. Partitioned by time so that old events go by dropping tables; the relay makes them.
create table outbox (
  id bigint not null default nextval('outbox_id'),
  xid xid8 not null default pg_current_xact_id(),
  event_id uuid not null,
  subject text collate "C" not null,
  type text collate "C" not null,
  payload bytea not null,
  create_time timestamptz not null default now(),
  primary key (create_time, id)
) partition by range (create_time);
alter sequence outbox_id owned by outbox.id;
-- Events live two days and most are small: to compress the large ones costs more than it saves.
alter table outbox alter column payload set storage external;
create index outbox_order on outbox (xid, id);

-- The net for times that no partition covers, as after a long stop.
create table outbox_default partition of outbox default;

-- How far the relay has published. The row is also the relay's lease: whoever raises fence holds
-- it until lease_end_time, and only the holder of the present fence may move the position.
create table outbox_position (
  singleton boolean primary key default true check (singleton),
  xid xid8 not null default '0',
  id bigint not null default 0,
  stream_identity text,
  fence bigint not null default 0,
  lease_end_time timestamptz not null default '-infinity'
) with (fillfactor = 20);
insert into outbox_position default values;

-- Which events a consumer has taken, written in the transaction of their effect. Not partitioned:
-- a unique key must hold over all time, and a partitioned table's key would have to contain it.
create table inbox (
  consumer text collate "C" not null,
  event_id uuid not null,
  receive_time timestamptz not null default now(),
  primary key (consumer, event_id)
);
create index inbox_receive_time on inbox using brin (receive_time);
