import { type Connection, Query, type QueryConfig, type QueryResult } from 'pg';

/**
 * For whom a statement works, as the setting `queqiao.tenant` that row-level security compares each
 * row with. Without one, a statement in a service's role reaches no row that belongs to a tenant.
 */
export type TenantSetting = string & { readonly [brand]: true };

/** One merchant, or the several whose identities called when a statement works for them at once. */
export function ofMerchants(merchantIds: Iterable<string>): TenantSetting {
  const ids = [...merchantIds];
  if (ids.length === 0) throw new Error('a statement for merchants needs one at least');
  return `merchant:${ids.map(checked).join(',')}` as TenantSetting;
}

export function ofMerchant(merchantId: string): TenantSetting {
  return `merchant:${checked(merchantId)}` as TenantSetting;
}

export function ofCourier(courierId: string): TenantSetting {
  return `courier:${checked(courierId)}` as TenantSetting;
}

/** The merchants whose rows these are. */
export function ofOwners(rows: Iterable<{ merchant_id: string }>): TenantSetting {
  const ids = new Set<string>();
  for (const { merchant_id } of rows) ids.add(merchant_id);
  return ofMerchants(ids);
}

/** No wall: for what an operator asks, and for work that serves no single tenant. */
export const OF_EVERYBODY = 'everybody' as TenantSetting;

/** Our own ids never hold what stands between them in the setting. */
function checked(id: string): string {
  if (!ID.test(id)) throw new Error(`not the id of a tenant: ${JSON.stringify(id)}`);
  return id;
}

/**
 * A statement with the setting of its tenant in front, sent together before one Sync: one round
 * trip and one transaction, at whose end the setting is gone.
 */
export class TenantQuery extends (Query as unknown as new (
  config: QueryConfig & { queryMode: 'extended' },
  callback: Callback,
) => PgQuery) {
  readonly #tenant: TenantSetting;
  readonly #setterName: string;
  readonly #main: { name: string | undefined; text: string };
  #isSet = false;

  constructor({ tenant, isNamed }: Setting, statement: QueryConfig, callback: Callback) {
    super({ ...statement, queryMode: 'extended' }, callback);
    this.#tenant = tenant;
    this.#setterName = isNamed ? SETTER.name : '';
    this.#main = { name: statement.name, text: statement.text };
  }

  override prepare(connection: PgConnection): void {
    const name = this.#setterName;
    const { parsedStatements: parsed, submittedNamedStatements: submitted } = connection;
    if (name === '' || !(name in parsed || name in submitted)) {
      connection.parse({ name, text: SETTER.text });
      if (name !== '') submitted[name] = SETTER.text;
    }
    connection.bind({ statement: name, values: [this.#tenant] });
    connection.execute(null);
    super.prepare(connection);
    // pg notes what the server has parsed under the name and text of the query that waits.
    this.name = name;
    this.text = SETTER.text;
  }

  override handleDataRow(message: unknown): void {
    if (this.#isSet) super.handleDataRow(message);
  }

  override handleCommandComplete(message: unknown, connection: PgConnection): void {
    if (this.#isSet) super.handleCommandComplete(message, connection);
    else {
      this.#isSet = true;
      this.name = this.#main.name;
      this.text = this.#main.text;
    }
  }

  override handleError(error: unknown, connection: PgConnection): void {
    if (this.#main.name !== undefined) delete connection.submittedNamedStatements[this.#main.name];
    super.handleError(error, connection);
  }
}

declare const brand: unique symbol;

const ID = /^[a-z][a-z0-9-]{1,31}$/;

const SETTER = {
  name: 'queqiao_tenant',
  text: `select set_config('queqiao.tenant', $1, true)`,
};

type Setting = {
  tenant: TenantSetting;
  /** Whether the connection keeps statements under a name, see `viaBouncer`. */
  isNamed: boolean;
};

type Callback = (error: Error | null, result: QueryResult) => void;

/** What pg's own Query does between the client and the protocol; not in its published types. */
interface PgQuery {
  name: string | undefined;
  text: string;
  submit(connection: Connection): void;
  prepare(connection: PgConnection): void;
  handleDataRow(message: unknown): void;
  handleCommandComplete(message: unknown, connection: PgConnection): void;
  handleError(error: unknown, connection: PgConnection): void;
}

interface PgConnection {
  readonly parsedStatements: Record<string, string>;
  readonly submittedNamedStatements: Record<string, string>;
  parse(statement: { name: string; text: string }): void;
  bind(config: { statement: string; values: string[] }): void;
  execute(config: null): void;
}
