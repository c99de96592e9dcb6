-- The wall between tenants, see libs/db/sql/0002_tenant_wall.sql. It repeats what the selects say
-- themselves (`viewer.ts`): who may see what. Only work for everybody, which is an operator's or a
-- service's, changes anything. Code that does not say for whom a statement works does not run
-- beside it.

grant select, insert, update on
  network.merchant, network.courier, network.node, network.number_range, network.api_key
  to queqiao_network;
grant select, insert on network.dead_letter to queqiao_network;

do $$
declare
  walled name;
begin
  foreach walled in array array['merchant', 'courier', 'node', 'number_range', 'api_key'] loop
    execute format('alter table network.%I enable row level security', walled);
    execute format('alter table network.%I force row level security', walled);
    execute format(
      'create policy everybody on network.%I using ((select network.tenant_is_everybody()))', walled);
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
