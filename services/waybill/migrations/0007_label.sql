-- Prints of labels, and what merchants print in the area of their own. Code of the release before
-- may run beside it.

-- One row for each print that was made here; never changed. No names, phones or addresses.
create table waybill.label_print (
  print_id bigint generated always as identity primary key,
  bucket smallint not null,
  waybill_number text collate "C" not null,
  merchant_id text collate "C" not null,
  request_id uuid not null,
  -- What was drawn: the same request for something else is refused.
  contents_hash bytea not null check (length(contents_hash) = 16),
  -- How many prints there were with this one.
  print_count integer not null check (print_count >= 1),
  nonce bytea not null check (length(nonce) = 8),
  -- By which key of labels the code is signed.
  key_id text collate "C" not null,
  print_time timestamptz not null,
  caller_kind text collate "C" not null,
  caller_id text collate "C" not null,
  api_key_id text collate "C" not null,
  unique (bucket, waybill_number, request_id)
);
create index label_print_newest on waybill.label_print (merchant_id, print_id desc);
create index label_print_waybill on waybill.label_print (waybill_number, print_id desc);

-- Never changed, so that a label can be printed again as it was.
create table waybill.label_template (
  merchant_id text collate "C" not null,
  template_id text collate "C" not null,
  -- queqiao.waybill.v1.LabelTemplate: its size and fields.
  body bytea not null,
  create_time timestamptz not null,
  primary key (merchant_id, template_id)
);

call waybill.raise_tenant_wall('waybill.label_print');
call waybill.raise_tenant_wall('waybill.label_template');
