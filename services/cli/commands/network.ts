import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { NetworkService } from '#proto/queqiao/network/v1/network_service';
import type { CliContext } from '../context.ts';
import { decimalNumber, each, oneOf } from '../options.ts';
import { type ConnectionOptions, Exit, printJson, withConnection, write } from '../output.ts';
import { formatRecord, formatTable } from '../output-table.ts';
import { calling } from '../service-client.ts';
import { type Flag, type Plain, RESOURCES, type Resource } from './network-resource.ts';
import { TOKEN_ISSUER } from './token-issuer-resource.ts';

/** `queqiao merchant|courier|node|range|issuer list|get|create|update`. */
export function networkCommands(context: CliContext): Command[] {
  return [...RESOURCES, TOKEN_ISSUER].map((resource) => resourceCommand(context, resource));
}

export function resourceCommand(context: CliContext, resource: Resource): Command {
  const { create } = resource;
  const command = new Command(resource.name)
    .description(resource.title)
    .addCommand(listCommand(context, resource))
    .addCommand(getCommand(context, resource))
    .addCommand(updateCommand(context, resource));
  if (create !== undefined) command.addCommand(createCommand(context, { ...resource, create }));
  return command;
}

function listCommand(context: CliContext, resource: Resource): Command {
  const command = new Command('list').description('List all, in order of id.');
  const { listFlags = [] } = resource;
  for (const { flag, help } of listFlags) command.option(flag, help);
  command.action((options: Options) =>
    withClient(context, options, async (client) => {
      const filter = Object.fromEntries(
        listFlags.map(({ flag, key }) => [key, options[flagName(flag)] ?? '']),
      );
      let pageToken = '';
      let isFirst = true;
      do {
        const page = await resource.list(client, { pageSize: 1_000, pageToken, ...filter });
        await showAll(context, resource, { items: page.items, options, withHeadings: isFirst });
        pageToken = page.nextPageToken;
        isFirst = false;
      } while (pageToken !== '');
      return Exit.OK;
    }),
  );
  return withConnection(command);
}

function getCommand(context: CliContext, resource: Resource): Command {
  const command = new Command('get')
    .description('Show one.')
    .argument('<id>')
    .action((id: string, options: Options) =>
      withClient(context, options, async (client) =>
        show(context, await resource.get(client, id), options),
      ),
    );
  return withConnection(command);
}

function createCommand(context: CliContext, resource: CreatableResource): Command {
  const command = new Command('create')
    .description('Register one. The same again changes nothing.')
    .argument('[id]', 'chosen by you, fixed: a-z, 0-9 and "-"; may stand in the file instead')
    .action((id: string | undefined, options: Options) =>
      withClient(context, options, async (client) => {
        const plain = await readFields(resource, options);
        if (id !== undefined) plain[resource.idKey] = id;
        return show(context, await resource.create(client, plain), options);
      }),
    );
  return withConnection(withFields(command, resource.flags));
}

function updateCommand(context: CliContext, resource: Resource): Command {
  const command = new Command('update')
    .description('Change the fields that are given; the others stay as they are.')
    .argument('<id>')
    .action((id: string, options: Options) =>
      withClient(context, options, async (client) => {
        const fields = await readFields(resource, options);
        const current = await resource.get(client, id);
        // The etag just read guards against a change between reading and writing; a file that
        // brings its own guards against one since it was made.
        return show(context, await resource.update(client, merge(current, fields)), options);
      }),
    );
  return withConnection(withFields(command, resource.flags));
}

function withFields(command: Command, flags: readonly Flag[]): Command {
  for (const { flag, help, isNumber, choices, toItem } of flags) {
    if (choices) command.option(flag, help, oneOf(choices));
    else if (isNumber) command.option(flag, help, decimalNumber);
    else if (toItem) command.option(flag, help, each);
    else command.option(flag, help);
  }
  return command.option('--file <file>', 'the fields as JSON, named as in the contract');
}

/** The fields of --file, over them those of the other options. */
async function readFields({ flags }: Resource, options: Options): Promise<Plain> {
  const { file } = options;
  const plain: Plain = typeof file === 'string' ? await readObject(file) : {};
  for (const { flag, key, toItem, isFile } of flags) {
    const value = options[flagName(flag)];
    if (value === undefined) continue;
    const given = isFile ? await readFile(value as string, 'utf8') : value;
    setAt(plain, key.split('.'), toItem ? (given as string[]).map(toItem) : given);
  }
  return plain;
}

async function readObject(file: string): Promise<Plain> {
  const text = await readFile(file, 'utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`${file} is not JSON: ${(error as Error).message}`);
  }
  if (!isPlain(value)) throw new Error(`${file} must hold one JSON object`);
  return value;
}

function setAt(plain: Plain, [key = '', ...rest]: string[], value: unknown): void {
  if (rest.length === 0) plain[key] = value;
  else {
    const inner = plain[key];
    const next: Plain = isPlain(inner) ? inner : {};
    plain[key] = next;
    setAt(next, rest, value);
  }
}

function merge(base: Plain, over: Plain): Plain {
  const merged = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const before = merged[key];
    merged[key] = isPlain(before) && isPlain(value) ? merge(before, value) : value;
  }
  return merged;
}

async function show(context: CliContext, plain: Plain, { json }: Options): Promise<number> {
  if (json) await printJson(context, plain);
  else await write(context.stdout, formatRecord(flatten(plain), context));
  return Exit.OK;
}

async function showAll(
  context: CliContext,
  { columns }: Resource,
  { items, options, withHeadings }: { items: Plain[]; options: Options; withHeadings: boolean },
): Promise<void> {
  if (options.json) {
    for (const item of items) await printJson(context, item);
    return;
  }
  const flat = items.map((item) => flatten(item));
  const rows = flat.map((item) => columns.map((column) => item[column] ?? ''));
  await write(context.stdout, formatTable(columns, rows, { ...context, withHeadings }));
}

/** `{ address: { city } }` as `address.city`; lists of products as their codes. */
export function flatten(plain: Plain, prefix = ''): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [key, value] of Object.entries(plain)) {
    if (isPlain(value)) Object.assign(flat, flatten(value, `${prefix}${key}.`));
    else flat[prefix + key] = Array.isArray(value) ? value.map(itemText).join(' ') : word(value);
  }
  return flat;
}

function itemText(item: unknown): string {
  if (!isPlain(item)) return word(item);
  // What a line has no room for, such as an added service's attributes, JSON shows.
  const texts = Object.values(item).filter((value) => typeof value === 'string');
  return texts.map(word).join('=');
}

/** STATE_ACTIVE is "active" for people. */
function word(value: unknown): string {
  const text = String(value);
  const [, name] =
    /^(?:STATE|KIND|DATUM|BILLING|CHECK_DIGIT_SCHEME)_([A-Z0-9_]+)$/.exec(text) ?? [];
  return name?.toLowerCase() ?? text;
}

function isPlain(value: unknown): value is Plain {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `--low-water <n>` is `lowWater` among the options. */
function flagName(flag: string): string {
  const [, name = ''] = /^--([a-z-]+)/.exec(flag) ?? [];
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

const withClient = calling(NetworkService, 'operator');

type CreatableResource = Resource & { create: NonNullable<Resource['create']> };
type Options = ConnectionOptions & Record<string, unknown>;
