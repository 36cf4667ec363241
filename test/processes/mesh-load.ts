import { setTimeout } from 'node:timers/promises';
import type { Random } from '../../src/generator/random.ts';
import type { Cluster, Fab } from '../support/cluster.ts';
import { EditLoad } from './edit-load.ts';
import { FileLoad } from './file-load.ts';
import type { Ledger } from './ledger.ts';
import { StreamLoad } from './stream-load.ts';

/** How much load each fab gets. */
export interface LoadSize {
  readonly diesPerSecond: number;
  readonly resultsPerDie: number;
  /** A person's pause between two edits, milliseconds. */
  readonly editEveryMs: number;
  /** Pause between two files, of all fabs, milliseconds. */
  readonly fileEveryMs: number;
  /** Dies of a file. */
  readonly fileDies: number;
}

/** Files of a round are numbered from its own thousand on. */
const FILES_OF_A_ROUND = 1000;

/** A round of load over all fabs: a stream and a person at each, and files here and there. */
export class MeshLoad {
  readonly files: FileLoad;
  readonly #cluster: Cluster;
  readonly #streams: ReadonlyMap<Fab, StreamLoad>;
  readonly #edits: readonly EditLoad[];
  readonly #stop = new AbortController();
  readonly #filing: Promise<void>;
  readonly #later: Promise<void>[] = [];

  /** @param round gives lots, files and authors of their own; each wafer has another author than in the round before */
  constructor(cluster: Cluster, ledger: Ledger, size: LoadSize, round: number, random: Random) {
    this.#cluster = cluster;
    const { fabs } = cluster;
    const streams = fabs.map((fab) => {
      const plan = { lot: `R${round}-${fab}`, equipmentId: `T-${fab}`, node: cluster.address(fab), ...size };
      return [fab, new StreamLoad(plan, ledger)] as const;
    });
    this.#streams = new Map(streams);
    this.#edits = fabs.map((fab, i) => {
      // After as many rounds as there are fabs everybody has had each: then others, so that no document grows without end.
      const wafer = `E${Math.floor(round / fabs.length)}-${(i + round) % fabs.length}`;
      const plan = {
        author: `${fab}-${round}`,
        node: cluster.address(fab),
        wafer,
        everyMs: size.editEveryMs,
      };
      return new EditLoad(plan, ledger);
    });
    this.files = new FileLoad(ledger, 1 + round * FILES_OF_A_ROUND);
    this.#filing = this.#file(size, random);
    // Told by stop(), which awaits it.
    this.#filing.catch(() => {});
  }

  stream(fab: Fab): StreamLoad {
    return this.#streams.get(fab)!;
  }

  get streams(): readonly StreamLoad[] {
    return [...this.#streams.values()];
  }

  /** Ends the load; settles once all that was handed in is acknowledged. Every node must be up. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all([...this.streams, ...this.#edits].map((one) => one.stop()));
    await Promise.all([this.#filing, ...this.#later]);
  }

  /** Work that has to be done before the load has ended. */
  later(work: Promise<void>): void {
    this.#later.push(work);
    // Told by stop(), which awaits it.
    work.catch(() => {});
  }

  /** Gives everything up. */
  close(): void {
    this.#stop.abort();
    for (const stream of this.streams) stream.close();
    for (const edits of this.#edits) void edits.stop();
  }

  /** Looks for everything that was acknowledged at every fab; what is not there stands in the ledger. */
  async check(): Promise<void> {
    for (const fab of this.#cluster.fabs) {
      const address = this.#cluster.address(fab);
      for (const one of [...this.streams, ...this.#edits, this.files]) await one.check(fab, address);
    }
  }

  async #file({ fileEveryMs, fileDies }: LoadSize, random: Random): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const fab = random.pick(this.#cluster.fabs);
      await this.files.handIn(this.#cluster.address(fab), fileDies, signal);
      await setTimeout(fileEveryMs);
    }
  }
}
