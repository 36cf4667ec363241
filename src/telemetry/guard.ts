import type { Log } from '../log.ts';
import type { World } from '../world.ts';

/** Least time between two lines about one listener, milliseconds. */
const TOLD_EVERY_MS = 600_000;

/** Who takes note of what the node does, and changes nothing of it. */
export type ObserverName = 'metrics' | 'traces';

/** The same listener, but what it throws goes no further. */
export type Guard = <Args extends readonly unknown[]>(
  listen: (...args: Args) => void,
) => (...args: Args) => void;

/** What the guards of an observer tell its failures. */
export interface GuardParts {
  readonly observer: ObserverName;
  readonly log: Log;
  readonly world: Pick<World, 'steadyMs'>;
  /** Told each time. */
  readonly failed: () => void;
}

/** Guards of an observer's listeners. What one throws is logged, and what it throws soon after is counted alone. */
export function guardOf({ observer, log, world, failed }: GuardParts): Guard {
  return (listen) => {
    let toldMs = Number.NEGATIVE_INFINITY;
    return (...args) => {
      try {
        listen(...args);
      } catch (thrown) {
        failed();
        if (world.steadyMs() - toldMs < TOLD_EVERY_MS) return;
        toldMs = world.steadyMs();
        log.error('observer.failed', { observer }, thrown);
      }
    };
  };
}
