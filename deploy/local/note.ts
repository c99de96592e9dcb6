/** Where the local servers say what they do: sentences for a person. A pino logger fits too. */
export type Notes = {
  info(sentence: string): void;
  warn(sentence: string): void;
};

/** Plain lines on stderr, so that stdout stays free for results. */
export const stderrNotes: Notes = {
  info: (sentence) => void process.stderr.write(`${sentence}\n`),
  warn: (sentence) => void process.stderr.write(`Warning: ${sentence}\n`),
};
