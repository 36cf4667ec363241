import { on } from 'node:events';
import { Worker } from 'node:worker_threads';
import { WafersyncError } from '../../errors.ts';
import type { ByteReader } from './byte-reader.ts';
import type { Damage } from './decompress.ts';
import { Turns } from './turns.ts';

/** Compressions that are undone in a thread of their own. */
export type Packed = 'bzip2' | 'xz';

/** Where the number of pieces stands that a thread may give before one is taken. */
export const OUTPUTS = 0;
/** Where the number of inputs stands that wait for a thread. */
export const INPUTS = 1;

/** What a thread is told when it begins. */
export interface UnpackJob {
  readonly packed: Packed;
  /** What both sides count together, at {@link OUTPUTS} and {@link INPUTS}. */
  readonly counts: Int32Array<SharedArrayBuffer>;
}

/** What ended a compressed stream too early. */
export type UnpackFault =
  | { readonly kind: 'cut' }
  | { readonly kind: 'damaged'; readonly detail: string }
  /** Sound, as far as is known, and beyond what is read here. */
  | { readonly kind: 'unreadable'; readonly detail: string };

/** What a thread says: it wants input, it gives output, or it has ended. */
export type UnpackMessage =
  | { readonly kind: 'more' }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'end'; readonly fault: UnpackFault | null };

/** Most threads at once; what comes then waits. */
const MAX_THREADS = 4;
/** Most pieces, of at most 256 KiB each, that wait to be taken from a thread. */
const MAX_WAITING_PIECES = 8;

const turns = new Turns(MAX_THREADS);
const SCRIPT = new URL(`./unpack-worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url);

/**
 * Decompresses a bzip2 or xz stream, or several that follow one another. The libraries work without pause, for up to
 * 180 ms a block, so they run in a thread where they hold up nobody. Yields what can be decompressed, then returns
 * what is wrong.
 * @param name the file's, for messages
 * @throws WafersyncError `invalid` where nothing of it can be read here
 */
export async function* unpack(
  packed: Packed,
  input: ByteReader,
  name: string,
): AsyncGenerator<Buffer, Damage | null> {
  const release = await turns.take();
  const counts = new Int32Array(new SharedArrayBuffer(8));
  counts[OUTPUTS] = MAX_WAITING_PIECES;
  let worker: Worker | null = null;
  let at = 0;
  try {
    worker = new Worker(SCRIPT, { workerData: { packed, counts } satisfies UnpackJob });
    // Whatever it fails with after nobody listens any more is of no account.
    worker.on('error', () => {});
    for await (const message of messagesOf(worker)) {
      if (message.kind === 'end') return damageOf(packed, message.fault, at, name);
      if (message.kind === 'more') {
        worker.postMessage(await copyOfNext(input));
        countUp(counts, INPUTS);
      } else {
        at += message.bytes.length;
        yield Buffer.from(message.bytes.buffer);
        countUp(counts, OUTPUTS);
      }
    }
    throw new WafersyncError('internal', `the thread that decompressed ${name} has gone`);
  } finally {
    await worker?.terminate();
    release();
  }
}

/** What a thread says, until it is gone. @throws what it failed with */
async function* messagesOf(worker: Worker): AsyncGenerator<UnpackMessage> {
  for await (const [message] of on(worker, 'message', { close: ['exit'] })) yield message as UnpackMessage;
}

/** The next input, null at its end. A chunk may be part of a larger buffer, all of which would go along. */
async function copyOfNext(input: ByteReader): Promise<Uint8Array | null> {
  const chunk = await input.next();
  return chunk && Uint8Array.from(chunk);
}

function countUp(counts: Int32Array<SharedArrayBuffer>, index: number): void {
  Atomics.add(counts, index, 1);
  Atomics.notify(counts, index);
}

function damageOf(packed: Packed, fault: UnpackFault | null, at: number, name: string): Damage | null {
  if (!fault) return null;
  if (fault.kind === 'cut') return { at, reason: `the ${packed} stream is cut short` };
  const { kind, detail } = fault;
  if (kind === 'unreadable' && at === 0) {
    throw new WafersyncError('invalid', `${name} is ${packed} that is not read here: ${detail}`, {
      hint: `Compress it again with the defaults of ${packed}, or with gzip.`,
    });
  }
  const what = kind === 'damaged' ? 'is damaged' : 'cannot be read on';
  return { at, reason: `the ${packed} stream ${what}${detail && ` (${detail})`}` };
}
