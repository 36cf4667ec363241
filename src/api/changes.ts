import type { EventSource } from '../replica/event-source.ts';
import type { World } from '../world.ts';

/**
 * Answers a subscription: yields at once, and again after each change, never more often than every `minIntervalMs`.
 * What changes while the client takes an answer, or within the interval, is told once, as it is then. Ends when
 * `signal` is aborted.
 */
export async function* onChange(
  changes: EventSource<void>,
  world: World,
  minIntervalMs: number,
  signal: AbortSignal,
): AsyncGenerator<void> {
  let changed = true;
  let wake = () => {};
  const notice = () => {
    changed = true;
    wake();
  };
  const abort = () => wake();
  const unsubscribe = changes.subscribe(notice);
  signal.addEventListener('abort', abort);
  try {
    while (!signal.aborted) {
      if (changed) {
        changed = false;
        const told = world.steadyMs();
        yield;
        await pause(world, minIntervalMs - (world.steadyMs() - told), signal);
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    unsubscribe();
    signal.removeEventListener('abort', abort);
  }
}

/** Waits for a while, or until `signal` is aborted. */
export async function pause(world: World, delayMs: number, signal: AbortSignal): Promise<void> {
  if (delayMs <= 0 || signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const cancel = world.after('notify', delayMs, done);
    signal.addEventListener('abort', done);
  });
}
