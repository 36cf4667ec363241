// A thread of kill-preload.ts: waits until the main thread is inside the call, and a little longer, and ends the process.
import { workerData } from 'node:worker_threads';
import { CheckpointWatch } from './checkpoint-watch.ts';

const { inside, insideUs, shm } = workerData as {
  /** 1 while the main thread is inside the call; what was attempted of a checkpoint when it went in. */
  readonly inside: Int32Array;
  readonly insideUs: number;
  /** Of the database: a checkpoint inside the call is waited for. Empty: none is. */
  readonly shm: string;
};

const watch = shm === '' ? null : new CheckpointWatch(shm);

const isInside = () => Atomics.load(inside, 0) === 1;

/** Whether a checkpoint moves pages now. */
function moves({ attempted, done } = watch!.now()): boolean {
  return attempted > done && attempted !== Atomics.load(inside, 1);
}

for (;;) {
  Atomics.wait(inside, 0, 0);
  while (watch && isInside() && !moves());
  const until = performance.now() + insideUs / 1000;
  while (performance.now() < until && isInside());
  if (isInside() && (!watch || moves())) process.kill(process.pid, 'SIGKILL');
  while (isInside());
}
