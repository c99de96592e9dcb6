-- Row-level security as the second wall between tenants. The service works in a role of its own,
-- queqiao_<schema>, which owns nothing; relay and migrations go on as the user who connects. Names
-- are not qualified because the runner sets search_path to it. Older code goes on beside it.

-- A role belongs to the whole server: another database's migration may make it at the same moment,
-- and an administrator may have made it for a user who must not make roles.
do $$
declare
  service_role name := 'queqiao_' || current_schema();
begin
  if not exists (select from pg_roles where rolname = service_role) then
    begin
      execute format('create role %I nologin', service_role);
    exception
      when duplicate_object or unique_violation then null;
    end;
  end if;
  if not pg_has_role(current_user, service_role, 'member') then
    begin
      execute format('grant %I to current_user', service_role);
    exception
      when unique_violation then null;
    end;
  end if;
  execute format('grant usage on schema %I to %I', current_schema(), service_role);
  execute format('grant insert on outbox to %I', service_role);
  execute format('grant usage on sequence outbox_id to %I', service_role);
  execute format('grant select, insert on inbox to %I', service_role);
end $$;

-- Who the setting queqiao.tenant names, as libs/db/tenant.ts writes it. Empty or unset: nobody.
create function tenant_merchants() returns text[] language sql stable
  return string_to_array(
    nullif(split_part(current_setting('queqiao.tenant', true), 'merchant:', 2), ''), ',');
create function tenant_courier() returns text language sql stable
  return nullif(split_part(current_setting('queqiao.tenant', true), 'courier:', 2), '');
create function tenant_is_everybody() returns boolean language sql stable
  return current_setting('queqiao.tenant', true) = 'everybody';

-- Gives a table to the service's role and, by its columns merchant_id and courier_id, lets it reach
-- only the tenant's rows. For migrations: every table that holds a tenant's data stands behind it.
-- Each question stands in a subquery, so that it is answered once for a statement, not for a row.
create procedure raise_tenant_wall(walled regclass) language plpgsql as $$
declare
  service_role name := 'queqiao_' || current_schema();
  reach text := '(select tenant_is_everybody())';
begin
  if exists (select from pg_attribute where attrelid = walled and attname = 'courier_id') then
    reach := 'courier_id = (select tenant_courier()) or ' || reach;
  end if;
  reach := 'merchant_id = any ((select tenant_merchants())::text[]) or ' || reach;
  execute format('grant select, insert, update, delete on %s to %I', walled, service_role);
  execute format('alter table %s enable row level security', walled);
  execute format('alter table %s force row level security', walled);
  execute format('create policy tenant on %s using (%s)', walled, reach);
end $$;
