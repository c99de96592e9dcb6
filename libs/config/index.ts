// Typed settings from the environment: read once, frozen, every problem reported at once.
// Does not read process.env by itself and does not end the process.
export { ConfigError, type ConfigOf, readConfig } from './config.ts';
export {
  durationMs,
  flag,
  integer,
  list,
  type Setting,
  secretFile,
  text,
  url,
} from './setting.ts';
