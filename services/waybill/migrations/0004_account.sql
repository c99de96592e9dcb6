-- What merchants' accounts at couriers have used. Code of the release before must not run beside
-- it: what it draws and cancels would not be counted.

alter table waybill.waybill
  add column print_count integer not null default 0 check (print_count >= 0),
  add column last_print_time timestamptz,
  add constraint waybill_print_time check ((print_count > 0) = (last_print_time is not null));

-- One row for each account that was used; account_id is empty for what is drawn without one. The
-- lock on a row is the right to fold the account's deltas into it and to spend its balance.
create table waybill.account_total (
  merchant_id text collate "C" not null,
  courier_id text collate "C" not null,
  account_id text collate "C" not null,
  -- Fixed in the network, so what was noted with the first draw or top-up holds for ever.
  is_prepaid boolean not null default false,
  is_refunding boolean not null default false,
  granted_count bigint not null default 0 check (granted_count >= 0),
  drawn_count bigint not null default 0 check (drawn_count >= 0),
  cancelled_count bigint not null default 0 check (cancelled_count >= 0),
  printed_count bigint not null default 0 check (printed_count >= 0),
  -- A prepaid account is never overdrawn; of another one no balance is kept.
  balance_count bigint not null generated always as (
    case when is_prepaid
      then granted_count - drawn_count + case when is_refunding then cancelled_count else 0 end
      else 0 end
  ) stored constraint account_total_balance check (balance_count >= 0),
  -- The alert mark as of the last draw or top-up.
  low_balance_count bigint not null default 0 check (low_balance_count >= 0),
  low_time timestamptz,
  primary key (merchant_id, courier_id, account_id),
  check (is_prepaid or (granted_count = 0 and low_time is null and not is_refunding))
);
create index account_total_courier on waybill.account_total (courier_id, merchant_id, account_id);
create index account_total_low on waybill.account_total (merchant_id, courier_id, account_id)
  where low_time is not null;

-- What statements did, one row for each account they touched, until it is folded into the totals:
-- so that no two of them wait for one row. A figure is the total and its deltas together.
create table waybill.account_delta (
  merchant_id text collate "C" not null,
  courier_id text collate "C" not null,
  account_id text collate "C" not null,
  drawn_count integer not null default 0 check (drawn_count >= 0),
  cancelled_count integer not null default 0 check (cancelled_count >= 0),
  printed_count integer not null default 0 check (printed_count >= 0)
);
create index account_delta_account on waybill.account_delta (merchant_id, courier_id, account_id);

-- Top-ups and corrections; never changed.
create table waybill.account_movement (
  movement_id bigint generated always as identity primary key,
  merchant_id text collate "C" not null,
  courier_id text collate "C" not null,
  account_id text collate "C" not null,
  count bigint not null check (count <> 0),
  balance_count bigint not null check (balance_count >= 0),
  reason text not null check (length(reason) <= 200),
  actor text not null,
  request_id uuid not null,
  create_time timestamptz not null,
  unique (account_id, request_id)
);
create index account_movement_newest on waybill.account_movement (account_id, movement_id desc);

-- Labels that were printed, each notice once.
create table waybill.print_notice (
  bucket smallint not null,
  waybill_number text collate "C" not null,
  request_id uuid not null,
  is_reprint boolean not null,
  create_time timestamptz not null,
  primary key (bucket, waybill_number, request_id)
);

-- What was drawn before anybody counted.
insert into waybill.account_total
  (merchant_id, courier_id, account_id, drawn_count, cancelled_count)
select merchant_id, courier_id, account_id, count(*), count(*) filter (where state = 'cancelled')
from waybill.waybill
group by merchant_id, courier_id, account_id;
