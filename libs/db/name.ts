import { escapeIdentifier } from 'pg';

/** A schema, table or column name as it stands in SQL. For names known to the program only. */
export function quoteName(name: string): string {
  // Longer ones Postgres cuts off without a word, so that two names could mean one thing.
  if (!/^[a-z][a-z0-9_]{0,62}$/.test(name)) {
    throw new Error(`not a name for a database object: ${JSON.stringify(name)}`);
  }
  return escapeIdentifier(name);
}
