import type { ErrorCode } from '../../errors.ts';
import type { RunId } from '../../wafer/run.ts';

/** Something that writes a run and can be told to stop. */
export interface StreamOwner {
  /** Stops; resolves, and never rejects, when nothing of it is on its way any more. */
  abort(reason: string, code: ErrorCode): Promise<unknown>;
}

/**
 * Sees to it that at most one session of a node writes a run. A tester whose connection died opens its stream again
 * long before the node has noticed: the new session takes over, and what the old one had on its way settles first,
 * so that the past which the new one reads is complete.
 */
export class StreamOwners {
  /** Bounded by the number of open calls. */
  readonly #owners = new Map<RunId, StreamOwner>();

  /** How many runs are held. */
  get size(): number {
    return this.#owners.size;
  }

  /**
   * Makes `owner` the one that writes the run, after any other has stopped: with `conflict`, so that two who send the
   * same stream at once do not take it from each other for ever.
   */
  async claim(run: RunId, owner: StreamOwner): Promise<void> {
    for (let other = this.#owners.get(run); other !== undefined; other = this.#owners.get(run)) {
      await other.abort('the stream was opened again', 'conflict');
      this.release(run, other);
    }
    this.#owners.set(run, owner);
  }

  /** Lets go of a run, if it is still held by `owner`. */
  release(run: RunId, owner: StreamOwner): void {
    if (this.#owners.get(run) === owner) this.#owners.delete(run);
  }
}
