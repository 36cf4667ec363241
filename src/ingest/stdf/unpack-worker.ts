import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { invariant } from '../../errors.ts';
import { bunzip2 } from './bunzip2.ts';
import { INPUTS, OUTPUTS, type UnpackJob, type UnpackMessage } from './unpack.ts';
import { unxz } from './unxz.ts';

const { packed, counts } = workerData as UnpackJob;

/** The next input. The thread stands still until it is there, which the libraries need: they do not wait themselves. */
function next(): Uint8Array | null {
  say({ kind: 'more' });
  take(INPUTS);
  invariant(parentPort, 'this runs in a thread');
  return receiveMessageOnPort(parentPort)?.message as Uint8Array | null;
}

/** Gives bytes. The thread stands still while the other side has as many pieces as it may have. */
function give(bytes: Uint8Array): void {
  take(OUTPUTS);
  const own = Uint8Array.from(bytes);
  say({ kind: 'bytes', bytes: own }, [own.buffer]);
}

/** Counts one off, as soon as there is one. */
function take(index: number): void {
  while (Atomics.load(counts, index) === 0) Atomics.wait(counts, index, 0);
  Atomics.sub(counts, index, 1);
}

function say(message: UnpackMessage, transfer: ArrayBuffer[] = []): void {
  parentPort?.postMessage(message, transfer);
}

say({ kind: 'end', fault: await (packed === 'bzip2' ? bunzip2 : unxz)(next, give) });
