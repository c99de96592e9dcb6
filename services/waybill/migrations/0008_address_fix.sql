-- Where addresses are, learnt from deliveries. Code of the release before may run beside it, as
-- long as it erases no consignee whose delivery was reported.

-- A key of its own for the hashes below.
alter table waybill.index_key
  drop constraint index_key_name_check,
  add constraint index_key_name_check check (name in ('phone', 'address'));

-- Of each key the newest fixes. It belongs to no tenant: a house is where it is, whoever sends
-- there. No name, number or address stands in it: both ids are keyed hashes. A row is replaced,
-- never changed.
create table waybill.address_fix (
  -- Of a house, a road or a street.
  key bytea not null check (length(key) = 16),
  -- Of the waybill that was delivered.
  fix_id bytea not null check (length(fix_id) = 16),
  -- WGS-84 in 1/100,000 degree, about a metre.
  latitude_e5 integer not null check (latitude_e5 between -9000000 and 9000000),
  longitude_e5 integer not null check (longitude_e5 between -18000000 and 18000000),
  fix_time timestamptz not null,
  primary key (key, fix_id)
);
-- For erasing.
create index address_fix_of_waybill on waybill.address_fix (fix_id);

grant select, insert, delete on waybill.address_fix to queqiao_waybill;
