// One JSON line per event on stderr, with the trace it belongs to, secrets and consignee data
// kept out. Does not rotate, ship or format for people: that is the reader's task.
export { createLogger, type Logger, type LoggerOptions } from './logger.ts';
