import { Command } from 'commander';
export function startCommand(_: unknown): Command {
  return new Command('start');
}
