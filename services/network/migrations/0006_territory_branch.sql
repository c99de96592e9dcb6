-- Branch codes that the service gives to territories. Code of the release before runs beside it.

-- Every branch that a territory has or had. None is given out again, also when its territory has
-- another code by now: parcels with the old one may be on their way.
create table network.territory_branch (
  courier_id network.slug not null constraint territory_branch_courier references network.courier,
  hub_code network.sort_segment not null check (hub_code <> ''),
  branch_code network.sort_segment not null check (branch_code <> ''),
  primary key (courier_id, hub_code, branch_code)
);

grant select, insert on network.territory_branch to queqiao_network;

-- The wall, see 0004_identity.sql.
alter table network.territory_branch enable row level security;
alter table network.territory_branch force row level security;
create policy everybody on network.territory_branch
  using ((select network.tenant_is_everybody()));
create policy of_courier on network.territory_branch
  using (courier_id = (select network.tenant_courier()));
