-- What a waybill needs for the whole of its life. Code of the first release does not run beside it.

alter table waybill.waybill
  -- The merchant's account with the courier; empty for the one that needs no registration.
  add column account_id text collate "C" not null default '',
  -- How many parcels the shipment has, as in "2 of 5"; parcel 1 is the parent of the others.
  add column parcel_count smallint not null default 1 check (parcel_count between 1 and 999),
  -- Of a return: the waybill on which the goods went out.
  add column outward_number text collate "C",
  -- Keyed hash of the consignee's phone, so that a phone finds its parcels; null once erased.
  add column phone_index bigint,
  add constraint waybill_parcel_of_count check (parcel_count = 1 or parcel_no <= parcel_count);

alter table waybill.waybill drop constraint waybill_state_check;
alter table waybill.waybill add constraint waybill_state_check
  check (state in ('issued', 'prepositioned', 'recalled', 'cancelled'));

create index waybill_phone on waybill.waybill (phone_index);
create index waybill_outward on waybill.waybill (bucket, outward_number)
  where outward_number is not null;
