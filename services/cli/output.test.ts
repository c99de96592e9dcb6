import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { RpcError } from '#libs/errors';
import type { CliContext } from './context.ts';
import { connect, Exit, errorLine, factsOf, runAction } from './output.ts';
import { displayWidth, formatRecord, formatTable } from './output-table.ts';

const terminal = { stdout: Object.assign(new Writable(), { isTTY: true }), env: { NO_COLOR: '1' } };
const pipe = { stdout: new Writable(), env: {} };

describe('tables', () => {
  it('count two columns for a Chinese character and none for a combining mark', () => {
    expect(displayWidth('abc')).toBe(3);
    expect(displayWidth('杭州\uff0cA')).toBe(7);
    expect(displayWidth('e\u0301\u200b')).toBe(1);
    expect(displayWidth('한글かな鹊')).toBe(10);
  });

  it('align columns in a terminal and separate by tabs elsewhere', () => {
    const rows = [
      ['hangzhou', '杭州仓', 'x'],
      ['b', 'west', 'y'],
    ];
    expect(formatTable(['node', 'name', 'z'], rows, terminal)).toBe(
      'node      name    z\nhangzhou  杭州仓  x\nb         west    y\n',
    );
    expect(formatTable(['node', 'name', 'z'], rows, pipe)).toBe(
      'node\tname\tz\nhangzhou\t杭州仓\tx\nb\twest\ty\n',
    );
    expect(formatRecord({ node: 'b', empty: '', 名: 'x' }, terminal)).toBe('node  b\n名    x\n');
  });

  it('let no value move the cursor or break a line', () => {
    const table = formatTable(['a'], [['x\u001b[2J\ny\tz']], pipe);
    expect(table).toBe('a\nx [2J y z\n');
  });
});

describe('errors', () => {
  const error = new RpcError('NODE_NOT_FOUND', { field: 'node_id', metadata: { id: 'x' } });

  it('are one line, in the order of the user’s language', () => {
    expect(errorLine(factsOf(error), { LANG: 'C.UTF-8' })).toBe(
      'no node x (仓库或门店 x 不存在) [NODE_NOT_FOUND field=node_id]',
    );
    expect(errorLine(factsOf(error), { LANG: 'en_US', LC_ALL: 'zh_CN.UTF-8' })).toMatch(
      /^仓库或门店/,
    );
  });

  it('become JSON on stdout and an exit status, never a stack', async () => {
    const run = async (failure: unknown) => {
      const parts: string[] = [];
      const stdout = new Writable({
        write: (part, _, done) => {
          parts.push(String(part));
          done();
        },
      });
      const context = { stdout, stderr: stdout, env: {} } as unknown as CliContext;
      await runAction(context, { json: true }, () => Promise.reject(failure));
      return { exit: context.exitCode, ...JSON.parse(parts.join('')).error };
    };
    expect(await run(error)).toMatchObject({
      ...{ exit: Exit.FAILED, code: 'NOT_FOUND', reason: 'NODE_NOT_FOUND', field: 'node_id' },
      ...{ text_en: 'no node x', text_zh: '仓库或门店 x 不存在', metadata: { id: 'x' } },
    });
    expect(await run(new RpcError('DEPENDENCY_DOWN'))).toMatchObject({ exit: Exit.COULD_NOT_RUN });
    expect(await run(new Error('Set NATS_URL.'))).toMatchObject({
      ...{ exit: Exit.COULD_NOT_RUN, text_en: 'Set NATS_URL.', reason: '' },
    });
  });

  it('are not told when the reader has gone away', async () => {
    const gone = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });
    const stdout = new Writable({ write: (_part, _, done) => done(gone) });
    const context = { stdout, stderr: pipe.stdout, env: {} } as unknown as CliContext;
    await runAction(context, {}, () => Promise.reject(gone));
    expect(context.exitCode).toBeUndefined();
  });
});

describe('connection', () => {
  it('comes from options, then the environment, then the local system', () => {
    const local = { address: 'local:1', apiKey: 'local', natsUrl: undefined };
    const env = { QUEQIAO_ADDRESS: 'env:1' };
    const context = { env, connection: () => local } as unknown as CliContext;
    expect(connect(context, {})).toEqual({ address: 'env:1', credentials: { apiKey: 'local' } });
    expect(connect(context, { address: 'flag:1', apiKey: 'k' })).toEqual({
      address: 'flag:1',
      credentials: { apiKey: 'k' },
    });
    // With an authority to trust, over TLS; `system` means those that Node knows.
    const trusting = { ...context, env: { QUEQIAO_TLS_CA_FILE: 'ca.pem' } };
    expect(connect(trusting, {})).toMatchObject({ caFile: 'ca.pem' });
    const known = { ...context, env: { QUEQIAO_TLS_CA_FILE: 'system' } };
    expect(connect(known, {})).toMatchObject({ caFile: '' });
  });
});
