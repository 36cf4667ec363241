import { createInterface } from 'node:readline';
import Table from 'cli-table3';
import { WafersyncError } from '../errors.ts';

export { counted, grouped, lack } from '../words/counted.ts';

/** Where a command writes. */
export interface Terminal {
  /** What was asked for. */
  out(text: string): void;
  /** Progress and errors. */
  err(text: string): void;
  /** Whether `err` is seen by a person. */
  readonly interactive: boolean;
  /** The screen that `out` is seen on; absent where it goes to a file or to another program. */
  readonly screen?: TerminalScreen | undefined;
  /**
   * Asks a person for one line, which is given without space around it; null where none was given (Ctrl-C, Ctrl-D). Absent where
   * nobody can be asked: input or `out` is no terminal.
   */
  readonly ask?: ((question: string) => Promise<string | null>) | undefined;
}

/** A screen, as far as output is fitted to it. */
export interface TerminalScreen {
  /** Width in characters. */
  readonly columns: number;
  /** Whether it shows colours, and they are wanted (NO_COLOR is not set). */
  readonly colours: boolean;
}

/** The process's own terminal. */
export const processTerminal: Terminal = {
  out: (text) => void process.stdout.write(`${text}\n`),
  err: (text) => void process.stderr.write(`${text}\n`),
  interactive: process.stderr.isTTY === true,
  get screen() {
    const { isTTY, columns } = process.stdout;
    return isTTY ? { columns: columns || DEFAULT_COLUMNS, colours: process.stdout.hasColors() } : undefined;
  },
  get ask() {
    return process.stdin.isTTY && process.stdout.isTTY ? askLine : undefined;
  },
};

function askLine(question: string): Promise<string | null> {
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  return new Promise((resolve) => {
    // Without a listener Ctrl-C would leave the question standing.
    lines.on('SIGINT', () => lines.close());
    let answer: string | null = null;
    lines.once('close', () => {
      // What is printed next does not go behind the question.
      if (answer === null) process.stdout.write('\n');
      resolve(answer);
    });
    lines.question(question, (line) => {
      answer = line.trim();
      lines.close();
    });
  });
}

/** Width of a terminal that does not tell it. */
const DEFAULT_COLUMNS = 80;

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
  for (const row of rows) drawn.push(row.map((cell) => printable(String(cell))));
  return drawn
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** Text that others wrote, as a terminal may have it: control characters, which would steer it, are spelled out. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** One line for a failure: what, where, remedy. */
export function failureLine(thrown: unknown): string {
  return `wafersync: ${WafersyncError.from(thrown).line}`;
}

/** Bytes as people say them: 512 B, 3.4 KiB, 1.2 GiB. */
export function size(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let [value, unit] = [bytes, 0];
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** A number with its sign: +0.4, -12.0. */
export function signed(value: number): string {
  return `${value < 0 ? '-' : '+'}${Math.abs(value).toFixed(1)}`;
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

/** A time of the contract, microseconds since 1970, as people read it. */
export function utc(us: number): string {
  return new Date(us / 1000).toISOString().replace('T', ' ').replace('Z', ' UTC');
}
