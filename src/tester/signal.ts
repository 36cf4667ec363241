/** Lets many wait for the next change of something. */
export class Signal {
  #waiting: (() => void)[] = [];

  /** Settles when it is next fired. */
  next(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  fire(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
