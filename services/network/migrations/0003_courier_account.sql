-- Merchants' accounts at couriers. Code of the release before runs beside it.

alter table network.courier
  -- Whether a merchant needs an account to draw.
  add column account_required boolean not null default false;

create table network.courier_account (
  account_id network.slug primary key,
  merchant_id network.slug not null constraint courier_account_merchant
    references network.merchant,
  courier_id network.slug not null constraint courier_account_courier references network.courier,
  branch_code text collate "C" not null check (branch_code ~ '^[A-Za-z0-9_.-]{0,32}$'),
  branch_name text not null check (length(branch_name) <= 80),
  billing text collate "C" not null check (billing in ('prepaid', 'monthly')),
  customer_code text collate "C" not null check (customer_code ~ '^[A-Za-z0-9_.-]{0,64}$'),
  -- Empty: all nodes that the merchant may use. Nodes are never deleted and keep their owner, so
  -- what was checked when it was written holds for ever.
  node_ids text[] collate "C" not null check (cardinality(node_ids) <= 200),
  state network.state not null,
  low_balance_count bigint not null check (low_balance_count between 0 and 1000000000),
  refund_on_cancel boolean not null,
  version bigint not null default 1 check (version >= 1),
  create_time timestamptz not null,
  update_time timestamptz not null,
  check (billing = 'prepaid' or (low_balance_count = 0 and not refund_on_cancel))
);
create index courier_account_merchant_id on network.courier_account (merchant_id, account_id);
create index courier_account_courier_id on network.courier_account (courier_id, account_id);
