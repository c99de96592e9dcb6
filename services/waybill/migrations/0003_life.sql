-- Versions that a change replaced, and who sends a return. Code before this release does not run
-- beside it: it would change waybills without keeping their versions.

alter table waybill.waybill
  -- Of a return: who sends it, as queqiao.waybill.v1.MaskedConsignee, and as
  -- queqiao.waybill.v1.Consignee sealed by the row's data key for "<number>/sender".
  add column sender_masked bytea,
  add column sender_sealed bytea;

-- A waybill as it was before a change: what the change may set, and who made it. The columns mean
-- what they mean in waybill.waybill. The changer of a version is the replacer of the one before.
create table waybill.waybill_version (
  bucket smallint not null,
  waybill_number text collate "C" not null,
  merchant_id text collate "C" not null,
  courier_id text collate "C" not null,
  version integer not null check (version >= 1),
  state text collate "C" not null,
  service_code text collate "C" not null,
  body bytea not null,
  consignee_masked bytea not null,
  consignee_sealed bytea not null,
  data_key_id bigint not null,
  replace_time timestamptz not null,
  -- Kind, id and key of the caller that made the change.
  replacer_kind text collate "C" not null,
  replacer_id text collate "C" not null,
  replacer_key_id text collate "C" not null,
  primary key (bucket, waybill_number, version),
  foreign key (bucket, waybill_number) references waybill.waybill
);
