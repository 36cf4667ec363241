import { type ChildProcess, spawn } from 'node:child_process';
import { ended, type Ran } from './command.ts';
import { BUF } from './protos.ts';

/** A message as JSON. */
export type Json = Record<string, unknown>;

const AS_GRPC = ['curl', '--protocol', 'grpc', '--http2-prior-knowledge'];

/**
 * Calls a node by `buf curl`, a client in another language that has no proto files.
 * @param path such as `/wafersync.v1.RunService/GetRun`; empty for options that need none
 */
export function bufCurl(address: string, path: string, ...args: readonly string[]): Promise<Ran> {
  return ended(spawn(BUF, [...AS_GRPC, ...args, `http://${address}${path}`], { stdio: PIPES }));
}

/** Calls a method with messages; gives the answers. @throws Error with what it printed where the call fails */
export async function bufCall(address: string, path: string, ...messages: readonly Json[]): Promise<Json[]> {
  const { code, stdout, stderr } = await bufCurl(address, path, '-d', toLines(messages));
  if (code !== 0) throw new Error(`${path} failed: ${stderr}${stdout}`);
  return [...parseMessages(stdout).messages];
}

/** Calls a method that must fail; gives code and message of the status. */
export async function bufFailure(address: string, path: string, ...messages: readonly Json[]): Promise<Json> {
  const { code, stdout, stderr } = await bufCurl(address, path, '-d', toLines(messages));
  if (code === 0) throw new Error(`${path} did not fail: ${stdout}`);
  return JSON.parse(stderr) as Json;
}

const PIPES: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe'];

function toLines(messages: readonly Json[]): string {
  return messages.map((message) => JSON.stringify(message)).join('\n');
}

/** A call of `buf curl` that goes on until the test ends it. */
export class BufSubscription {
  readonly #child: ChildProcess;
  readonly #seen: Json[] = [];
  #text = '';
  #errors = '';
  #over = false;
  #wake = () => {};

  constructor(address: string, path: string, message: Json) {
    const args = [...AS_GRPC, '-d', JSON.stringify(message), `http://${address}${path}`];
    // In a group of its own: the command is a script around the program.
    this.#child = spawn(BUF, args, { stdio: PIPES, detached: true });
    this.#child.stdout!.on('data', (chunk: Buffer) => this.#read(chunk.toString()));
    this.#child.stderr!.on('data', (chunk: Buffer) => {
      this.#errors += chunk.toString();
    });
    this.#child.once('close', () => {
      this.#over = true;
      this.#wake();
    });
  }

  /** The first message, of those so far and those to come, that `matches`. @throws Error where the call ends before */
  async message(matches: (message: Json) => boolean): Promise<Json> {
    for (;;) {
      const found = this.#seen.find(matches);
      if (found) return found;
      if (this.#over)
        throw new Error(`the subscription ended: ${JSON.stringify(this.#seen)} ${this.#errors}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Messages so far. */
  get messages(): readonly Json[] {
    return this.#seen;
  }

  /** Ends the call; settles when the client is gone. */
  async end(): Promise<void> {
    const { pid } = this.#child;
    if (this.#over || pid === undefined) return;
    const gone = new Promise((resolve) => this.#child.once('close', resolve));
    process.kill(-pid, 'SIGTERM');
    await gone;
  }

  #read(chunk: string): void {
    const { messages, rest } = parseMessages(this.#text + chunk);
    this.#text = rest;
    this.#seen.push(...messages);
    this.#wake();
  }
}

/** The messages in what `buf curl` prints, indented JSON one after the other, and what is behind the last whole one. */
function parseMessages(text: string): { messages: Json[]; rest: string } {
  const messages: Json[] = [];
  let begin = 0;
  for (const { index, 0: end } of text.matchAll(/^(\}|\{.*\})\n/gm)) {
    messages.push(JSON.parse(text.slice(begin, index + end.length)) as Json);
    begin = index + end.length;
  }
  return { messages, rest: text.slice(begin) };
}
