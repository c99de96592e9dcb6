import type { Writable } from 'node:stream';
import type { Command } from 'commander';
import { createColors } from 'picocolors';
import { Code, RpcError, toRpcError } from '#libs/errors';
import { ErrorReason } from '#proto/queqiao/type/v1/error_reason';
import type { ItemError } from '#proto/queqiao/type/v1/item_error';
import type { CliContext } from './context.ts';

/** Exit statuses that mean the same in every command. */
export const Exit = {
  OK: 0,
  /** It ran, and some of what was asked for failed. */
  FAILED: 1,
  /** It could not run: wrong use, bad file, bad key, server away. */
  COULD_NOT_RUN: 2,
  /** Ended by Ctrl-C, as shells count it. */
  INTERRUPTED: 130,
} as const;

/** Adds the options that every command which calls a server has. */
export function withConnection(command: Command): Command {
  return withJson(command)
    .option('--address <host:port>', 'server to call; default $QUEQIAO_ADDRESS, else the local one')
    .option('--api-key <key>', 'key to call with; better as $QUEQIAO_API_KEY, which nobody sees');
}

export function withJson(command: Command): Command {
  return command.option('--json', 'print JSON, one object a line');
}

/** Options first, then the environment, then the system in this folder. */
export function connect(context: CliContext, options: ConnectionOptions, as?: 'operator'): Target {
  const address = options.address ?? context.env['QUEQIAO_ADDRESS'];
  const apiKey = options.apiKey ?? context.env['QUEQIAO_API_KEY'];
  const caFile = caFileOf(context.env);
  const target = (address: string, apiKey: string) => ({
    address,
    caFile,
    credentials: { apiKey },
  });
  if (address !== undefined && apiKey !== undefined) return target(address, apiKey);
  const known = context.connection(as);
  return target(address ?? known.address, apiKey ?? known.apiKey);
}

/** With an authority to trust, calls go over TLS; `system` means those that Node knows. */
function caFileOf(env: NodeJS.ProcessEnv): string | undefined {
  const caFile = env['QUEQIAO_TLS_CA_FILE'] || undefined;
  return caFile === 'system' ? '' : caFile;
}

/** What a client is made with. */
type Target = { address: string; caFile: string | undefined; credentials: { apiKey: string } };

/**
 * Runs the body of a command: what it answers becomes the exit status, what it throws is told in
 * one line, or as JSON on stdout, and never as a stack.
 */
export async function runAction(
  context: CliContext,
  options: { json?: boolean },
  body: () => Promise<number>,
): Promise<void> {
  // `queqiao waybill list | head` closes stdout: that ends the command, quietly.
  const onClosed = () => undefined;
  context.stdout.on('error', onClosed);
  try {
    context.exitCode = await body();
  } catch (error) {
    if (isClosedPipe(error)) return;
    await tellError(context, error, options);
    context.exitCode = exitStatusOf(error);
  } finally {
    context.stdout.off('error', onClosed);
  }
}

/** One line on stderr, or `{"error":…}` on stdout. Chinese comes first where LANG says so. */
export async function tellError(
  context: CliContext,
  error: unknown,
  { json = false }: { json?: boolean },
): Promise<void> {
  await tellFacts(context, factsOf(error), { json });
}

/** As tellError, for an error that came as data. */
export async function tellFacts(
  context: CliContext,
  facts: ErrorFacts,
  { json = false }: { json?: boolean },
): Promise<void> {
  if (json) return printJson(context, { error: facts });
  const { red } = createColors(Boolean(context.stderr.isTTY) && !context.env['NO_COLOR']);
  await write(context.stderr, `${red('error:')} ${errorLine(facts, context.env)}\n`);
}

export async function tellWarning(
  { stderr, env }: CliContext,
  texts: { textEn: string; textZh: string },
): Promise<void> {
  await write(stderr, `warning: ${inBoth(texts, env)}\n`);
}

export async function printJson({ stdout }: CliContext, value: unknown): Promise<void> {
  await write(stdout, `${JSON.stringify(value)}\n`);
}

/** Writes and waits while the reader is slower than we are. */
export function write(stream: Writable, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(text, (error) => (error ? reject(error) : resolve()));
  });
}

/** What a program needs to know of an error; no cause, no stack. */
export function factsOf(error: unknown): ErrorFacts {
  if (error instanceof Error && !(error instanceof RpcError) && isOurOwnSentence(error)) {
    const text = error.message;
    return { code: '', reason: '', field: '', text_en: text, text_zh: '', metadata: {} };
  }
  const { code, reason, field, textEn, textZh, metadata } = toRpcError(error);
  return {
    code: codeName(code),
    reason,
    field,
    text_en: textEn,
    text_zh: textZh,
    metadata: { ...metadata },
  };
}

/** The same facts of an item's outcome. */
export function itemFacts({
  code,
  reason,
  field,
  textEn,
  textZh,
  metadata,
}: ItemError): ErrorFacts {
  return {
    code: codeName(code),
    // A newer server may know reasons that this program does not.
    reason: REASON_NAMES.get(reason) ?? String(reason),
    field,
    text_en: textEn,
    text_zh: textZh,
    metadata: { ...metadata },
  };
}

/** Name of a gRPC status code, `NOT_FOUND`. */
export function codeName(code: number): string {
  return Object.entries(Code).find(([, value]) => value === code)?.[0] ?? String(code);
}

/** `text (other text) [REASON field=…]` */
export function errorLine(facts: ErrorFacts, env: NodeJS.ProcessEnv): string {
  const text = inBoth({ textEn: facts.text_en, textZh: facts.text_zh }, env);
  const field = facts.field === '' ? '' : ` field=${facts.field}`;
  return facts.reason === '' ? text : `${text} [${facts.reason}${field}]`;
}

function inBoth({ textEn, textZh }: { textEn: string; textZh: string }, env: NodeJS.ProcessEnv) {
  if (textZh === '') return textEn;
  return prefersChinese(env) ? `${textZh} (${textEn})` : `${textEn} (${textZh})`;
}

/** The one of two texts that the user's language asks for. */
export function inLanguage(env: NodeJS.ProcessEnv, en: string, zh: string): string {
  return prefersChinese(env) ? zh : en;
}

function prefersChinese(env: NodeJS.ProcessEnv): boolean {
  return /^zh/i.test(env['LC_ALL'] || env['LC_MESSAGES'] || env['LANG'] || '');
}

/** An error without a system code is a sentence that some part of the CLI wrote for the user. */
function isOurOwnSentence(error: Error): boolean {
  return !('code' in error);
}

/** Whether a server that could be asked said no, or nothing could run at all. */
export function exitStatusOf(error: unknown): number {
  const isAnswer = error instanceof RpcError && ANSWERS.has(error.code);
  return isAnswer ? Exit.FAILED : Exit.COULD_NOT_RUN;
}

function isClosedPipe(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EPIPE';
}

const REASON_NAMES = new Map<number, string>(
  Object.entries(ErrorReason).map(([name, value]) => [value, name]),
);

/** Codes by which a server that could be asked says no. */
const ANSWERS: ReadonlySet<number> = new Set([
  Code.NOT_FOUND,
  Code.ALREADY_EXISTS,
  Code.FAILED_PRECONDITION,
  Code.ABORTED,
]);

export type ConnectionOptions = { address?: string; apiKey?: string; json?: boolean };

export type ErrorFacts = {
  code: string;
  reason: string;
  field: string;
  text_en: string;
  text_zh: string;
  metadata: Record<string, string>;
};
