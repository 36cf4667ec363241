import { forEachThenThrow, WafersyncError } from '../errors.ts';
import type { Cancel, World } from '../world.ts';

/** Work of one writer inside a group's transaction. */
export interface Job {
  /** Size that counts against the queue's bound. */
  readonly bytes: number;
  /** Does the work; runs inside the transaction, in a savepoint of its own. */
  run(): void;
  /** Called after the commit is on disk. */
  committed(): void;
  /** Called when the work, or the whole commit, failed; nothing of it is stored. */
  failed(error: WafersyncError): void;
}

/**
 * Runs jobs in one transaction, and tells of it. Jobs of which nothing is stored it names in `failures`, all where the commit
 * failed; whatever it throws, the others are stored.
 */
export type CommitJobs = (jobs: readonly Job[], failures: Map<Job, WafersyncError>) => void;

/** What waits in a queue. */
export interface Waiting {
  readonly jobs: number;
  /** Sum of their sizes. */
  readonly bytes: number;
}

/** Bounds of group commit. */
export interface QueueBounds {
  /** Longest wait of a job for others to share its commit. */
  readonly groupCommitMs: number;
  /** Bytes that end the wait at once. */
  readonly groupBytes: number;
  /** Bytes that may wait; past it `addWithRoom` waits. A job larger than it is let in alone. */
  readonly maxQueueBytes: number;
}

/**
 * Gathers jobs for a few milliseconds and commits them together: one fsync for many writers.
 *
 * Invariants: jobs run in the order in which they came; queuedBytes is the sum of the waiting jobs' bytes; at most one
 * timer is set.
 */
export class CommitQueue {
  readonly #world: World;
  readonly #bounds: QueueBounds;
  readonly #commit: CommitJobs;
  #jobs: Job[] = [];
  #queuedBytes = 0;
  #timer: { cancel: Cancel; soon: boolean } | null = null;
  #waiting: (() => void)[] = [];
  #closed = false;

  constructor(world: World, bounds: QueueBounds, commit: CommitJobs) {
    this.#world = world;
    this.#bounds = bounds;
    this.#commit = commit;
  }

  /** What waits for a commit. */
  get waiting(): Waiting {
    return { jobs: this.#jobs.length, bytes: this.#queuedBytes };
  }

  /** Queues a job once it has room; resolves as soon as it is queued, or refused because the node is stopping. */
  async addWithRoom(job: Job): Promise<void> {
    // Checked and queued without a pause between, so that of many who were woken only those that fit go on.
    while (
      !this.#closed &&
      this.#jobs.length > 0 &&
      this.#queuedBytes + job.bytes > this.#bounds.maxQueueBytes
    ) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.add(job);
  }

  /** Queues a job, over the bound as well: for what a bound of its own limits. */
  add(job: Job): void {
    if (this.#closed) {
      job.failed(stopping());
      return;
    }
    this.#jobs.push(job);
    this.#queuedBytes += job.bytes;
    this.#schedule();
  }

  /** Commits what waits, now. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = null;
    const jobs = this.#jobs;
    this.#jobs = [];
    this.#queuedBytes = 0;
    const failures = new Map<Job, WafersyncError>();
    try {
      if (jobs.length > 0) this.#commit(jobs, failures);
    } finally {
      // Whoever waits is answered even where something that was told of the commit has failed.
      this.#answer(jobs, failures);
    }
  }

  /** Commits what waits and takes no more. */
  close(): void {
    this.#closed = true;
    this.flush();
  }

  #answer(jobs: readonly Job[], failures: ReadonlyMap<Job, WafersyncError>): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
    forEachThenThrow(jobs, (job) => {
      const failure = failures.get(job);
      if (failure) job.failed(failure);
      else job.committed();
    });
  }

  #schedule(): void {
    const soon = this.#queuedBytes >= this.#bounds.groupBytes;
    if (this.#timer && (this.#timer.soon || !soon)) return;
    this.#timer?.cancel();
    const delayMs = soon ? 0 : this.#bounds.groupCommitMs;
    const cancel = this.#world.after('group-commit', delayMs, () => {
      this.#timer = null;
      this.flush();
    });
    this.#timer = { cancel, soon };
  }
}

function stopping(): WafersyncError {
  return new WafersyncError('unavailable', 'the node is stopping', { hint: 'Try again when it runs.' });
}
