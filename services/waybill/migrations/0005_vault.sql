-- The consignee vault: look-up by phone, access log, erasure. Code of the release before runs
-- beside it as long as no key is destroyed.

-- A destroyed key leaves its row behind: that month gets no other one, and a second call knows
-- that the first one was. clear_position tells how far its waybills were emptied, and clear_time
-- when the last one was.
alter table waybill.data_key
  alter column wrapped drop not null,
  add column erase_time timestamptz,
  add column clear_position text,
  add column clear_time timestamptz,
  add constraint data_key_erased check ((wrapped is null) = (erase_time is not null)),
  add constraint data_key_cleared check (clear_time is null or erase_time is not null);
create index data_key_master on waybill.data_key (master_key_id, data_key_id)
  where wrapped is not null;

-- Keys of look-up hashes, wrapped by a master key. To lose one is to lose the look-up.
create table waybill.index_key (
  name text collate "C" primary key check (name in ('phone')),
  master_key_id text collate "C" not null,
  wrapped bytea not null,
  create_time timestamptz not null
);

-- Who opened, sought or erased whose consignee, and why. Written before the answer, never changed.
create table waybill.consignee_access (
  access_id bigint generated always as identity primary key,
  access_time timestamptz not null,
  operation text collate "C" not null
    check (operation in ('read', 'find', 'erase_parcel', 'erase_month')),
  caller_kind text collate "C" not null
    check (caller_kind in ('operator', 'merchant', 'courier')),
  caller_id text collate "C" not null,
  key_id text collate "C" not null,
  request_id text collate "C" not null,
  merchant_id text collate "C" not null,
  -- Empty where the operation is not for one waybill.
  waybill_number text collate "C" not null,
  purpose text collate "C" not null check (purpose in ('none', 'label_printing', 'delivery',
    'customer_service', 'return', 'data_subject_request', 'legal_request')),
  reason text not null
);
create index consignee_access_merchant on waybill.consignee_access (merchant_id, access_id);
create index consignee_access_waybill on waybill.consignee_access (waybill_number, access_id)
  where waybill_number <> '';
