import { pino } from 'pino';
import { WafersyncError } from './errors.ts';
import { appendTo, LogSink, type WriteBytes, writeTo } from './log-sink.ts';

/** How much is logged; each level holds those behind it. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

/** One of {@link LOG_LEVELS}. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What a line says beside its event. The named fields mean the same on every line; others are the event's own. */
export interface LogFields {
  /** Fab of the node that writes the line; {@link createLog} sets it. */
  readonly fab?: string;
  /** Fab at the other end of a connection. */
  readonly peer?: string;
  /** `lot/wafer/insertion`. */
  readonly wafer?: string;
  /** Stream id of a tester. */
  readonly stream?: string;
  /** Id of the gRPC call. */
  readonly request_id?: string;
  readonly [field: string]: unknown;
}

/** Writes one line: an event in dotted lower case such as `peer.connected`, its fields, and the error behind it. */
export type LogEvent = (event: string, fields?: LogFields, error?: unknown) => void;

/** Where every part of a node says what happens. Parts know this interface alone. */
export interface Log {
  readonly debug: LogEvent;
  readonly info: LogEvent;
  readonly warn: LogEvent;
  readonly error: LogEvent;
  /** A log whose lines carry these fields too. */
  with(fields: LogFields): Log;
}

/** What a node's log is made of. */
export interface LogOptions {
  readonly level: LogLevel;
  /** On every line; empty for a command that is no node. */
  readonly fab: string;
  /** A file to append to, or anything that takes bytes. Default stderr. */
  readonly destination?: string | WriteBytes;
  /** Wall clock, milliseconds since 1970-01-01T00:00:00Z. */
  readonly nowMs?: () => number;
}

/** A log that says nothing. */
export const silentLog: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  with: () => silentLog,
};

const STDERR = 2;

/** Causes told under an error; deeper ones are left out. */
const MAX_CAUSES = 5;

/**
 * A log of JSON lines (pino). A line is written before the call returns wherever the destination takes it, so nothing
 * is lost when the process ends.
 * @throws WafersyncError `precondition` when the file cannot be opened
 */
export function createLog({ level, fab, destination = '', nowMs = Date.now }: LogOptions): Log {
  const time = () => new Date(nowMs()).toISOString();
  const sink = openSink(destination, (lines) => {
    return `${JSON.stringify({ level: 'warn', time: time(), fab, event: 'log.dropped', lines })}\n`;
  });
  const options = {
    level,
    base: null,
    timestamp: () => `,"time":"${time()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    messageKey: 'event',
  };
  return wrap(pino(options, sink), fab === '' ? {} : { fab });
}

function openSink(destination: string | WriteBytes, dropped: (lines: number) => string): LogSink {
  if (typeof destination !== 'string') return new LogSink(destination, dropped);
  const sink = new LogSink(destination === '' ? writeTo(STDERR) : appendTo(destination), dropped);
  process.once('exit', () => sink.flush());
  return sink;
}

function wrap(logger: pino.Logger, bound: LogFields): Log {
  const line =
    (level: Exclude<LogLevel, 'silent'>): LogEvent =>
    (event, fields, error) => {
      if (!logger.isLevelEnabled(level)) return;
      const told = error === undefined ? {} : { error: describeError(error) };
      logger[level]({ ...bound, ...fields, ...told }, event);
    };
  return {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    // Merged here, not by pino, which would write a field twice where both have it.
    with: (fields) => wrap(logger, { ...bound, ...fields }),
  };
}

/** An error as a log line shows it. Only a broken law has a stack: the other codes say all in words. */
interface ErrorFields {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly causes?: readonly string[];
  readonly stack?: string;
}

function describeError(thrown: unknown): ErrorFields {
  const error = WafersyncError.from(thrown);
  const causes = causesOf(error);
  return {
    code: error.code,
    message: error.message,
    ...(error.hint ? { hint: error.hint } : {}),
    ...(causes.length > 0 ? { causes } : {}),
    ...(error.code === 'internal' ? { stack: stackOf(error) } : {}),
  };
}

/** What failed underneath, nearest first, each as `code: message` where it has a code. */
function causesOf(error: Error): string[] {
  const causes: string[] = [];
  for (let cause = error.cause; cause !== undefined && causes.length < MAX_CAUSES; ) {
    const code = cause instanceof Error && 'code' in cause ? `${cause.code}: ` : '';
    causes.push(code + (cause instanceof Error ? cause.message : String(cause)));
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return causes;
}

/** Where it was thrown: the innermost error's stack. */
function stackOf(error: Error): string {
  let innermost = error;
  for (let depth = 0; depth < MAX_CAUSES && innermost.cause instanceof Error; depth++)
    innermost = innermost.cause;
  return innermost.stack ?? '';
}
