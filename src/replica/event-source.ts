import { forEachThenThrow } from '../errors.ts';
import type { Log } from '../log.ts';

/** Stops listening. */
export type Unsubscribe = () => void;

/** Tells listeners of events, in the order in which they subscribed. */
export class EventSource<T> {
  readonly #listeners = new Set<(event: T) => void>();

  subscribe(listener: (event: T) => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Tells all, whichever of them throws. @throws what the first one threw, once all are told */
  emit(event: T): void {
    forEachThenThrow([...this.#listeners], (listener) => listener(event));
  }
}

/**
 * A listener that the node can do without for a while: what it throws is logged and goes no further, once until it
 * succeeds again.
 */
export function logged<T>(log: Log, listener: string, listen: (event: T) => void): (event: T) => void {
  let failing = false;
  return (event) => {
    try {
      listen(event);
      failing = false;
    } catch (thrown) {
      if (!failing) log.error('listener.failed', { listener }, thrown);
      failing = true;
    }
  };
}
