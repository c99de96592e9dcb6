import type { Readable } from 'node:stream';

/**
 * The lines of a UTF-8 stream, as many at a time as have come, without their ends. A line is cut
 * after `charactersMax`, so that a file without line ends does not fill the memory.
 */
export async function* linesOf(stream: Readable, charactersMax: number): AsyncGenerator<string[]> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of stream as AsyncIterable<Uint8Array>) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = (lines.pop() ?? '').slice(0, charactersMax);
    if (lines.length > 0) yield lines.map((line) => withoutEnd(line).slice(0, charactersMax));
  }
  rest += decoder.decode();
  if (rest !== '') yield [withoutEnd(rest)];
}

function withoutEnd(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}
