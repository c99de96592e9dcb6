-- What callers prove themselves with, and the wall between tenants.

alter table network.api_key
  add column allowed_cidrs text[] not null default '{}' check (cardinality(allowed_cidrs) <= 32),
  -- 0: what the server's settings say.
  add column calls_per_s integer not null default 0 check (calls_per_s between 0 and 1000000),
  add column burst_count integer not null default 0 check (burst_count between 0 and 1000000),
  add column waybills_per_day bigint not null default 0
    check (waybills_per_day between 0 and 1000000000),
  -- Coarse, and not counted as a change: others never hear of it.
  add column last_use_time timestamptz,
  add column predecessor_id network.slug references network.api_key,
  -- The first key of a line of successors: whoever makes another locks its row.
  add column line_id network.slug;
update network.api_key set line_id = api_key_id;
alter table network.api_key
  alter column line_id set not null,
  add constraint api_key_line foreign key (line_id) references network.api_key;
create index api_key_line_id on network.api_key (line_id);

create table network.token_issuer (
  token_issuer_id network.slug primary key,
  issuer text collate "C" not null constraint token_issuer_issuer unique
    check (issuer ~ '^[!-~]+$' and length(issuer) <= 256),
  audience text collate "C" not null check (audience ~ '^[!-~]+$' and length(audience) <= 256),
  -- RFC 7517, as the operator wrote it.
  jwks text not null check (length(jwks) between 1 and 16384),
  subject_kind text collate "C" not null check (subject_kind in ('merchant', 'courier')),
  subject_id network.slug not null,
  -- The subject once more in a form that a foreign key can check.
  merchant_id network.slug generated always as (
    case when subject_kind = 'merchant' then subject_id end
  ) stored constraint token_issuer_merchant references network.merchant,
  courier_id network.slug generated always as (
    case when subject_kind = 'courier' then subject_id end
  ) stored constraint token_issuer_courier references network.courier,
  scopes text[] not null check (cardinality(scopes) between 1 and 20),
  state network.state not null,
  allowed_cidrs text[] not null check (cardinality(allowed_cidrs) <= 32),
  calls_per_s integer not null check (calls_per_s between 0 and 1000000),
  burst_count integer not null check (burst_count between 0 and 1000000),
  waybills_per_day bigint not null check (waybills_per_day between 0 and 1000000000),
  version bigint not null default 1 check (version >= 1),
  create_time timestamptz not null,
  update_time timestamptz not null
);

-- The wall, see libs/db/sql/0002_tenant_wall.sql. It repeats what the selects say themselves
-- (`viewer.ts`): who may see what. Only work for everybody, which is an operator's or a service's,
-- changes anything. Code that does not say for whom a statement works does not run beside it.

grant select, insert, update on
  network.merchant, network.courier, network.node, network.number_range, network.api_key,
  network.token_issuer, network.courier_account
  to queqiao_network;
grant select, insert on network.dead_letter to queqiao_network;

do $$
declare
  walled name;
begin
  foreach walled in array array['merchant', 'courier', 'node', 'number_range', 'api_key',
    'token_issuer', 'courier_account'] loop
    execute format('alter table network.%I enable row level security', walled);
    execute format('alter table network.%I force row level security', walled);
    execute format(
      'create policy everybody on network.%I using ((select network.tenant_is_everybody()))',
      walled);
  end loop;
end $$;

create policy itself on network.merchant for select
  using (merchant_id = any ((select network.tenant_merchants())::text[]));
-- A merchant has to see whom it can send with.
create policy itself on network.courier for select
  using (courier_id = (select network.tenant_courier()));
create policy of_merchants on network.courier for select
  using ((select network.tenant_merchants() is not null));
-- What belongs to no merchant is common to all of them.
create policy of_merchant on network.node for select
  using (
    (select network.tenant_merchants() is not null)
    and (merchant_id is null or merchant_id = any ((select network.tenant_merchants())::text[])));
create policy of_merchant on network.number_range for select
  using (
    (select network.tenant_merchants() is not null)
    and (merchant_id is null or merchant_id = any ((select network.tenant_merchants())::text[])));
create policy of_courier on network.number_range for select
  using (courier_id = (select network.tenant_courier()));
create policy of_merchant on network.courier_account for select
  using (merchant_id = any ((select network.tenant_merchants())::text[]));
create policy of_courier on network.courier_account for select
  using (courier_id = (select network.tenant_courier()));
