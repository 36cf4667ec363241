import type { TestContext } from 'node:test';
import { Client, credentials, Metadata, type StatusObject } from '@grpc/grpc-js';
import { type ApiServer, createServer, type ServerOptions } from '../../src/api/server.ts';
import type { Log, LogEvent, LogFields } from '../../src/log.ts';
import type { TimerPurpose, World } from '../../src/world.ts';

/** One line of a journal. */
export interface JournalLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly event: string;
  readonly fields: LogFields;
  readonly error: unknown;
}

/** A log that keeps its lines, and lets a test wait for one. */
export class Journal implements Log {
  readonly lines: JournalLine[] = [];
  readonly debug = this.#level('debug');
  readonly info = this.#level('info');
  readonly warn = this.#level('warn');
  readonly error = this.#level('error');
  #wake = () => {};

  with(): Log {
    return this;
  }

  /** The first line that `matches`, now or as soon as it is written. */
  async line(matches: (line: JournalLine) => boolean): Promise<JournalLine> {
    for (;;) {
      const found = this.lines.find(matches);
      if (found) return found;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #level(level: JournalLine['level']): LogEvent {
    return (event, fields = {}, error) => {
      this.lines.push({ level, event, fields: { ...fields }, error });
      this.#wake();
    };
  }
}

interface Timer {
  readonly purpose: TimerPurpose;
  readonly atMs: number;
  readonly run: () => void;
}

/** A world whose time stands still until a test moves it. */
export class StillWorld implements World {
  #nowMs = 0;
  #random = 0;
  readonly #timers = new Set<Timer>();

  nowMs(): number {
    return this.#nowMs;
  }

  steadyMs(): number {
    return this.#nowMs;
  }

  random(bytes: number): Uint8Array {
    this.#random += 1;
    return new Uint8Array(bytes).fill(this.#random);
  }

  after(purpose: TimerPurpose, delayMs: number, run: () => void): () => void {
    const timer = { purpose, atMs: this.#nowMs + delayMs, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Timers that have not fired. */
  get timers(): readonly TimerPurpose[] {
    return [...this.#timers].map((timer) => timer.purpose);
  }

  /** Moves time on, firing what is due, earliest first. */
  advance(byMs: number): void {
    const untilMs = this.#nowMs + byMs;
    for (;;) {
      const [next] = [...this.#timers]
        .filter((timer) => timer.atMs <= untilMs)
        .sort((a, b) => a.atMs - b.atMs);
      if (!next) break;
      this.#timers.delete(next);
      this.#nowMs = next.atMs;
      next.run();
    }
    this.#nowMs = untilMs;
  }
}

/** A server on a free loopback port, closed when the test ends. */
export interface Served {
  readonly server: ApiServer;
  /** `127.0.0.1:port`. */
  readonly address: string;
  readonly journal: Journal;
  readonly world: StillWorld;
}

/** Starts a server with the services that `add` adds. Its time stands still. */
export async function serve(
  t: TestContext,
  add: (server: ApiServer) => void,
  options: Partial<ServerOptions> = {},
): Promise<Served> {
  const journal = new Journal();
  const world = new StillWorld();
  const server = createServer({ log: journal, world, ...options });
  add(server);
  const port = await server.bind('127.0.0.1', 0);
  t.after(async () => {
    const closed = server.close(0);
    world.advance(0);
    world.advance(60_000);
    await closed;
  });
  return { server, address: `127.0.0.1:${port}`, journal, world };
}

/** Closes something when the test ends; gives it back. */
export function closing<T extends { close(): unknown }>(t: TestContext, closable: T): T {
  t.after(() => {
    closable.close();
  });
  return closable;
}

/** Everything that an iterable gives. */
export async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of values) all.push(value);
  return all;
}

/** Settles when a condition holds, looked at once a turn of the event loop. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** Settles when a number has not changed over many turns of the event loop, so that all that was under way has come. */
export async function settled(value: () => number): Promise<void> {
  let last = Number.NaN;
  let quiet = 0;
  await until(() => {
    quiet = value() === last ? quiet + 1 : 0;
    last = value();
    return quiet === 300;
  });
}

/** What came back of a call of raw bytes. */
export interface RawAnswer {
  readonly messages: readonly Buffer[];
  readonly status: StatusObject;
  readonly initial: Metadata;
}

/** Calls a method with bytes as they are, as a client in another language might. */
export function callRaw(
  t: TestContext,
  address: string,
  path: string,
  requests: readonly Buffer[],
  { metadata = {}, channel = {} }: { metadata?: Record<string, string>; channel?: object } = {},
): Promise<RawAnswer> {
  const client = closing(t, new Client(address, credentials.createInsecure(), channel));
  const sent = new Metadata();
  for (const [name, value] of Object.entries(metadata)) sent.set(name, value);
  const pass = (bytes: Buffer) => bytes;
  const call = client.makeBidiStreamRequest(path, pass, pass, sent);
  for (const request of requests) call.write(request);
  call.end();
  return new Promise((resolve) => {
    const messages: Buffer[] = [];
    let initial = new Metadata();
    call.on('metadata', (received: Metadata) => {
      initial = received;
    });
    call.on('data', (message: Buffer) => messages.push(message));
    call.on('error', () => {});
    call.on('status', (status: StatusObject) => resolve({ messages, status, initial }));
  });
}
