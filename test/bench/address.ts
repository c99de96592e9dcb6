import { join } from 'node:path';
import { divisions, parseAddress } from '#libs/address';
import { Failures } from '#test/quality/address/failures';
import { dataFolder, type Labelled, readLabelled } from '#test/quality/address/labelled';
import { madeLines } from '#test/quality/address/made-lines';
import { measureLevels } from '#test/quality/address/measure';
import { peerAnswer, peerParse } from '#test/quality/address/peer';
import type { BenchOptions } from './main.ts';

/**
 * Lines of name, phone and address read by one core, and the same by the npm package
 * `address-parse`, in turns, so that both meet the same machine.
 */
export async function benchAddress({ seconds, say }: BenchOptions): Promise<Figures> {
  const folder = dataFolder();
  if (folder === undefined) {
    say('skipped: no data at ../shared/data; QUEQIAO_DATA names another folder');
    return {};
  }
  const loadMs = cpuMsOf(divisions);
  const labelled = readLabelled(join(folder, 'cn_address_ner', 'dev.txt'));
  const lines = madeLines(labelled).map(({ text }) => text);
  const [ours, peer] = [new Rate(parseAddress), new Rate(peerParse)];
  // The first turn is left out: there the code is still being compiled.
  ours.run(lines);
  peer.run(lines.slice(0, 1_000));
  ours.reset();
  peer.reset();
  while (ours.cpuMs + peer.cpuMs < seconds * 1_000) {
    while (ours.cpuMs <= peer.cpuMs) ours.run(lines);
    while (peer.cpuMs < ours.cpuMs) peer.run(lines.slice(0, 1_000));
  }
  return {
    addresses_per_s: ours.perSecond,
    peer_addresses_per_s: peer.perSecond,
    times_the_peer: Math.round((ours.perSecond / peer.perSecond) * 10) / 10,
    ...accuracies(labelled),
    load_ms: Math.round(loadMs),
    lines: lines.length,
  };
}

/** How many lines a second of one core reads, by the processor's time rather than the clock's. */
class Rate {
  cpuMs = 0;
  #count = 0;
  readonly #parse: (line: string) => unknown;

  constructor(parse: (line: string) => unknown) {
    this.#parse = parse;
  }

  get perSecond(): number {
    return Math.round((this.#count / this.cpuMs) * 1_000);
  }

  run(lines: readonly string[]): void {
    const start = process.cpuUsage();
    for (const line of lines) this.#parse(line);
    this.cpuMs += msSince(start);
    this.#count += lines.length;
  }

  reset(): void {
    this.cpuMs = 0;
    this.#count = 0;
  }
}

function accuracies(labelled: readonly Labelled[]): Figures {
  const countyOf = (parse: Parameters<typeof measureLevels>[1]) =>
    measureLevels(labelled, parse, new Failures())['county_accuracy'] ?? 0;
  return { county_accuracy: countyOf(parseAddress), peer_county_accuracy: countyOf(peerAnswer) };
}

function cpuMsOf(work: () => unknown): number {
  const start = process.cpuUsage();
  work();
  return msSince(start);
}

function msSince(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1_000;
}

type Figures = Record<string, number>;
