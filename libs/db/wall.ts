import { quoteName } from './name.ts';
import type { Pool } from './pool.ts';

/** The role in which the service of a schema works; migrations make it. */
export function roleOf(schema: string): string {
  const role = `queqiao_${schema}`;
  quoteName(role);
  return role;
}

/**
 * Throws a sentence unless the pool's statements are subject to row-level security: they run in the
 * role of the schema's service, which neither owns a table nor may look past a policy. A role in
 * the URL's own `options`, or a bouncer without one, would else go unnoticed.
 */
export async function assertWalled(pool: Pool, schema: string): Promise<void> {
  const role = roleOf(schema);
  const [row] = await pool.query<{ name: string; is_free: boolean }>(
    `select current_user::text as name, rolsuper or rolbypassrls or exists (
       select from pg_class where relowner = pg_roles.oid and relnamespace = $1::regnamespace
     ) as is_free
     from pg_roles where rolname = current_user`,
    [quoteName(schema)],
  );
  if (row?.name === role && !row.is_free) return;
  throw new Error(
    `The service of schema "${schema}" must work in the role ${role}, without superuser, ` +
      `bypassrls or tables of its own; it works as ${row?.name}. Grant the role to the user of ` +
      'the database URL, and behind a bouncer set it with "alter role … set role".',
  );
}
