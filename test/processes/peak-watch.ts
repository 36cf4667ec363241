import type { Cluster, Fab } from '../support/cluster.ts';
import { usageOf } from './node-usage.ts';

/** Most that a node took, in bytes. */
export interface Peak {
  readonly rss: number;
  readonly wal: number;
}

const EVERY_MS = 100;

/** Looks every tenth of a second at what the nodes of a cluster take. */
export class PeakWatch {
  readonly #cluster: Cluster;
  readonly #peaks = new Map<Fab, Peak>();
  readonly #timer: NodeJS.Timeout;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#timer = setInterval(() => this.#look(), EVERY_MS);
  }

  /** Looks a last time; what each took at most. */
  stop(): ReadonlyMap<Fab, Peak> {
    clearInterval(this.#timer);
    this.#look();
    return this.#peaks;
  }

  #look(): void {
    for (const fab of this.#cluster.fabs) {
      const { peakRss, wal } = usageOf(this.#cluster, fab);
      const { rss: mostRss, wal: mostWal } = this.#peaks.get(fab) ?? { rss: 0, wal: 0 };
      this.#peaks.set(fab, { rss: Math.max(mostRss, peakRss), wal: Math.max(mostWal, wal) });
    }
  }
}
