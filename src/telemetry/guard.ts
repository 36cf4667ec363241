import type { Log } from '../log.ts';

/** Who takes note of what the node does, and changes nothing of it. */
export type ObserverName = 'metrics' | 'traces';

/** The same listener, but what it throws goes no further. */
export type Guard = <Args extends readonly unknown[]>(
  listen: (...args: Args) => void,
) => (...args: Args) => void;

/**
 * Guards of an observer's listeners. What one throws is logged, once until it succeeds again.
 * @param failed told each time
 */
export function guardOf(observer: ObserverName, log: Log, failed: () => void): Guard {
  return (listen) => {
    let failing = false;
    return (...args) => {
      try {
        listen(...args);
        failing = false;
      } catch (thrown) {
        failed();
        if (!failing) log.error('observer.failed', { observer }, thrown);
        failing = true;
      }
    };
  };
}
