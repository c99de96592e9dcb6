-- The waybill service's tables. First release: no older code runs beside it.

create type waybill.number_span as range (subtype = text, collation = "C");

-- The directory from number to bucket. Two leases never share a number: span holds every text that
-- a number of the lease can be, its length in front so that numbers of different length never
-- compare. A lease without bucket is a piece that a stopped process gave back unused.
create table waybill.number_lease (
  lease_id bigint generated always as identity primary key,
  range_id text collate "C" not null,
  bucket smallint check (bucket between 0 and 255),
  first_serial bigint not null check (first_serial >= 0),
  last_serial bigint not null,
  span waybill.number_span not null,
  lease_time timestamptz not null,
  check (last_serial >= first_serial),
  exclude using gist (span with &&)
);
create index number_lease_free on waybill.number_lease (range_id, first_serial)
  where bucket is null;

-- How far each range is leased.
create table waybill.number_cursor (
  range_id text collate "C" primary key,
  next_serial bigint not null
);

-- Keys that seal consignees, wrapped by a master key. To delete one is to erase what it sealed.
create table waybill.data_key (
  data_key_id bigint generated always as identity primary key,
  merchant_id text collate "C" not null,
  month date not null check (extract(day from month) = 1),
  master_key_id text collate "C" not null,
  wrapped bytea not null,
  create_time timestamptz not null,
  unique (merchant_id, month)
);

-- bucket stands first in every key: with it in front, both unique keys are local to a shard and
-- still hold everywhere, since a lease and a merchant's order belong to one bucket each.
create table waybill.waybill (
  bucket smallint not null check (bucket between 0 and 255),
  waybill_number text collate "C" not null,
  merchant_id text collate "C" not null,
  order_ref text collate "C" not null,
  parcel_no smallint not null check (parcel_no between 1 and 999),
  courier_id text collate "C" not null,
  service_code text collate "C" not null,
  node_id text collate "C" not null,
  state text collate "C" not null default 'issued' check (state in ('issued', 'cancelled')),
  version integer not null default 1 check (version >= 1),
  issue_time timestamptz not null,
  cancel_time timestamptz,
  cancel_reason text,
  -- queqiao.waybill.v1.Parcel: what no column holds, the consignee excepted.
  body bytea not null,
  -- queqiao.waybill.v1.MaskedConsignee.
  consignee_masked bytea not null,
  -- queqiao.waybill.v1.Consignee, sealed by the data key for this number.
  consignee_sealed bytea not null,
  data_key_id bigint not null,
  primary key (bucket, waybill_number),
  check ((state = 'cancelled') = (cancel_time is not null))
);
create unique index waybill_parcel_key on waybill.waybill
  (bucket, merchant_id, lower(order_ref), parcel_no);
create index waybill_newest on waybill.waybill
  (bucket, merchant_id, issue_time desc, waybill_number desc);
