import Table from 'cli-table3';
import { WafersyncError } from '../errors.ts';

/** Where a command writes. */
export interface Terminal {
  /** What was asked for. */
  out(text: string): void;
  /** Progress and errors. */
  err(text: string): void;
  /** Whether `err` is seen by a person. */
  readonly interactive: boolean;
}

/** The process's own terminal. */
export const processTerminal: Terminal = {
  out: (text) => void process.stdout.write(`${text}\n`),
  err: (text) => void process.stderr.write(`${text}\n`),
  interactive: process.stderr.isTTY === true,
};

/** A plain table: columns by spaces, no lines. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const plain = Object.fromEntries(
    ['top', 'bottom', 'left', 'right', 'mid'].flatMap((side) =>
      ['', '-mid', '-left', '-right'].map((part) => [`${side}${part}`, '']),
    ),
  );
  const drawn = new Table({
    head: [...head],
    chars: { ...plain, 'mid-mid': '', middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  for (const row of rows) drawn.push(row.map(String));
  return drawn
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** One line for a failure: what, where, remedy. */
export function failureLine(thrown: unknown): string {
  return `wafersync: ${WafersyncError.from(thrown).line}`;
}

/** 12345678 → 12,345,678. */
export function grouped(value: number): string {
  return value.toLocaleString('en-US');
}

/** Milliseconds as people say them: 12 ms, 3.4 s, 5 min 2 s, 3 h 12 min, 2 d 5 h. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.floor(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (hours < 1) return `${minutes} min ${seconds % 60} s`;
  return hours < 24 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}
