import { Command } from 'commander';
import { gazetteerPoint, type ParsedAddress, parseAddress } from '#libs/address';
import { invalid, RpcError } from '#libs/errors';
import type { CliContext } from '../context.ts';
import { Exit, errorLine, factsOf, inLanguage, runAction, withJson, write } from '../output.ts';
import { formatRecord, formatTable } from '../output-table.ts';
import { learnCommand } from './address-learn.ts';
import { linesOf } from './stdin-lines.ts';

/** `queqiao address parse|learn` */
export function addressCommand(context: CliContext): Command {
  return new Command('address')
    .description(
      'Read addresses as people write them, and learn where they are. / 解析地址,学习坐标。',
    )
    .addCommand(parseCommand(context))
    .addCommand(learnCommand(context));
}

function parseCommand(context: CliContext): Command {
  const command = new Command('parse')
    .description(
      'Divisions with codes, road, number, name and phone of one text, or of each line of stdin. ' +
        'Works offline.',
    )
    .argument('[text...]', 'name, phone and address in any order; words are joined by blanks')
    .action((words: string[], options: ParseOptions) =>
      runAction(context, options, () =>
        words.length > 0
          ? parseOne(context, words.join(' '), options)
          : parseLines(context, options),
      ),
    );
  return withJson(command);
}

async function parseOne(context: CliContext, text: string, { json }: ParseOptions) {
  const reading = read(text);
  if (json) await write(context.stdout, jsonLine(reading));
  else if (reading instanceof RpcError) throw reading;
  else await write(context.stdout, formatRecord(recordOf(reading, context), context));
  return reading instanceof RpcError ? Exit.FAILED : Exit.OK;
}

/** One answer a line, in order, while lines come. */
async function parseLines(context: CliContext, { json }: ParseOptions): Promise<number> {
  let exit: number = Exit.OK;
  let withHeadings = true;
  for await (const lines of linesOf(context.stdin, LINE_CHARACTERS_MAX)) {
    const readings = lines.map(read);
    if (readings.some((reading) => reading instanceof RpcError)) exit = Exit.FAILED;
    const text = json
      ? readings.map(jsonLine).join('')
      : formatTable(
          HEADINGS,
          readings.map((reading) => rowOf(reading, context)),
          { ...context, withHeadings },
        );
    await write(context.stdout, text);
    withHeadings = false;
  }
  return exit;
}

function read(text: string): ParsedAddress | RpcError {
  if (text.trim() === '') return invalid('text', 'REQUIRED');
  if ([...text].length > TEXT_CHARACTERS_MAX) {
    return invalid('text', 'TOO_LONG', { max: TEXT_CHARACTERS_MAX });
  }
  return parseAddress(text);
}

function jsonLine(reading: ParsedAddress | RpcError): string {
  const plain = reading instanceof RpcError ? { error: factsOf(reading) } : toPlain(reading);
  return `${JSON.stringify(plain)}\n`;
}

/** The same names as in the contract, every field always there. */
function toPlain(address: ParsedAddress): unknown {
  const { latitudeDeg, longitudeDeg, code = '' } = gazetteerPoint(address) ?? {};
  const entries = Object.entries(address).map(([name, value]) => [
    name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    value,
  ]);
  return {
    ...Object.fromEntries(entries),
    location: code === '' ? null : { latitude_deg: latitudeDeg, longitude_deg: longitudeDeg },
    location_code: code,
    // Offline nothing is known of deliveries.
    location_basis: code === '' ? '' : 'division',
    location_radius_m: 0,
    location_fix_count: 0,
  };
}

function rowOf(reading: ParsedAddress | RpcError, context: CliContext): string[] {
  if (reading instanceof RpcError) {
    return [
      ...Array<string>(HEADINGS.length - 1).fill(''),
      errorLine(factsOf(reading), context.env),
    ];
  }
  const { code, streetCode, precision, name, phone, detail } = reading;
  const place = [...new Set([reading.province, reading.city, reading.county])].join('');
  return [streetCode || code, place, detail, name, phone, precision, notesOf(reading, context)];
}

function recordOf(address: ParsedAddress, context: CliContext): Record<string, string> {
  const { guesses, conflicts, candidates, code, ...parts } = address;
  const point = gazetteerPoint(address);
  const withCodes = Object.entries(parts)
    .filter(([field]) => !field.endsWith('Code'))
    .map(([field, value]) => {
      const ofDivision = (address as unknown as Record<string, string>)[`${field}Code`];
      return [field, [value, ofDivision].filter(Boolean).join(' ')];
    });
  return {
    code,
    ...Object.fromEntries(withCodes),
    point: point ? `${point.latitudeDeg},${point.longitudeDeg} (${point.code})` : '',
    notes: notesOf(address, context),
  };
}

/** What a person should look at before believing the rest. */
function notesOf(address: ParsedAddress, { env }: CliContext): string {
  const { country, conflicts, candidates } = address;
  const guesses = address.guesses.map(({ field, reason }) => `${field} (${reason})`);
  const notes = [
    [inLanguage(env, 'another country', '国外'), country],
    [inLanguage(env, 'contradictory', '矛盾'), conflicts.join(' / ')],
    [inLanguage(env, 'one of', '可能为'), candidates.join(' ')],
    [inLanguage(env, 'guessed', '推断'), guesses.join(', ')],
  ];
  return notes.flatMap(([what, text]) => (text === '' ? [] : [`${what}: ${text}`])).join('; ');
}

const HEADINGS = ['code', 'place', 'detail', 'name', 'phone', 'precision', 'notes'];
const TEXT_CHARACTERS_MAX = 500;
/** Where a line is cut before it is looked at; what is cut is too long anyway. */
const LINE_CHARACTERS_MAX = 10_000;

type ParseOptions = { json?: boolean };
