import type { Log } from '../log.ts';
import type { Cancel, World } from '../world.ts';
import { EventSource, type Unsubscribe } from './event-source.ts';
import type { Replica } from './replica.ts';
import { PROBE_BYTES, type StorageEffect, type StorageEvent, StorageState } from './storage-state.ts';

/** The storage as operators see it. */
export interface StorageView {
  /** Nothing, or not all, can be stored. */
  readonly full: boolean;
  /** For how long, milliseconds; 0 while it is not. */
  readonly fullForMs: number;
  /** What failed, with the remedy; empty while nothing does. */
  readonly reason: string;
  /** Writes refused since it is full. */
  readonly refused: number;
}

/** What a watch is made of. */
export interface StorageWatchOptions {
  readonly replica: Pick<Replica<unknown>, 'outcomes' | 'proveRoom'>;
  readonly world: World;
  readonly log: Log;
}

type Performers = {
  readonly [T in StorageEffect['type']]: (effect: Extract<StorageEffect, { type: T }>) => void;
};

/** Follows the commits of a replica: tells when the disk is full, tries until there is room, and tells that too. */
export class StorageWatch {
  readonly #options: StorageWatchOptions;
  readonly #state = new StorageState();
  readonly #unsubscribe: Unsubscribe;
  #cancelProbe: Cancel = () => {};
  /** Told whether the disk is full, each time that this has changed; before those who wait for the commit. */
  readonly changes = new EventSource<boolean>();

  readonly #performers: Performers = {
    'probe-after': ({ afterMs }) => {
      this.#cancelProbe = this.#options.world.after('storage-probe', afterMs, () =>
        this.#step({ type: 'probe-due' }),
      );
    },
    probe: () => this.#probe(),
    'cancel-probe': () => this.#cancelProbe(),
    entered: ({ fault }) => {
      this.#options.log.error('storage.full', {}, fault.error);
      this.changes.emit(true);
    },
    left: ({ fault, lastedMs }) => {
      this.#options.log.info('storage.recovered', {
        lasted_ms: Math.round(lastedMs),
        refused: fault.refused,
      });
      this.changes.emit(false);
    },
  };

  constructor(options: StorageWatchOptions) {
    this.#options = options;
    const { world, replica } = options;
    this.#unsubscribe = replica.outcomes.subscribe(({ error, jobs, bytes }) => {
      const nowMs = world.steadyMs();
      if (error === null) this.#step({ type: 'committed', bytes, nowMs });
      else if (error.code === 'exhausted') this.#step({ type: 'refused', error, jobs, bytes, nowMs });
    });
  }

  /** The storage now. */
  view(): StorageView {
    const { fault } = this.#state;
    if (fault === null) return { full: false, fullForMs: 0, reason: '', refused: 0 };
    const { error, refused, sinceMs } = fault;
    return { full: true, fullForMs: this.#options.world.steadyMs() - sinceMs, reason: error.line, refused };
  }

  /** Tries no more. Before the replica's store is closed. */
  stop(): void {
    this.#unsubscribe();
    this.#cancelProbe();
  }

  #probe(): void {
    const error = this.#options.replica.proveRoom(PROBE_BYTES);
    if (error === null) return;
    this.#options.log.debug('storage.still_full', {}, error);
    this.#step({ type: 'probe-failed' });
  }

  #step(event: StorageEvent): void {
    for (const effect of this.#state.step(event)) {
      (this.#performers[effect.type] as (effect: StorageEffect) => void)(effect);
    }
  }
}
