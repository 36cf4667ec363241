/** Stops listening. */
export type Unsubscribe = () => void;

/** Tells listeners of events, in the order in which they subscribed. */
export class EventSource<T> {
  readonly #listeners = new Set<(event: T) => void>();

  subscribe(listener: (event: T) => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  emit(event: T): void {
    for (const listener of [...this.#listeners]) listener(event);
  }
}
