import { makeClient } from '../../src/api/client.ts';
import { toNumber } from '../../src/wire/long.ts';
import { syncMonitor } from '../../src/wire/services.ts';
import type { Cluster, Fab } from '../support/cluster.ts';
import type { MeshLoad } from './mesh-load.ts';
import { usageOf } from './node-usage.ts';

/** One second of a soak. */
export interface Sample {
  /** Seconds since the beginning. */
  readonly atSeconds: number;
  /** Fault under way; empty where there is none. */
  readonly fault: string;
  readonly fabs: Readonly<Record<string, FabSample>>;
}

/** One fab in one second; null where it could not be asked, or nothing came. */
export interface FabSample {
  readonly rssBytes: number | null;
  readonly walBytes: number;
  readonly databaseBytes: number;
  /** From handing a die in to its acknowledgement, of those acknowledged in this second, milliseconds. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  /** Results that its tester has handed in and that are not acknowledged. */
  readonly unacknowledged: number;
  /** Updates that some other fab has and this one has not. */
  readonly missing: number | null;
}

const EVERY_MS = 1_000;
const DEADLINE_MS = 800;

/** Takes a sample of a cluster each second. */
export class SoakSamples {
  readonly samples: Sample[] = [];
  /** Shown in the samples. */
  fault = '';
  /** Whose latencies are taken. */
  load: MeshLoad | null = null;
  readonly #cluster: Cluster;
  readonly #began = performance.now();
  readonly #timer: NodeJS.Timeout;
  #taking: Promise<void> = Promise.resolve();
  #busy = false;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#timer = setInterval(() => {
      // One that takes longer than its second makes the next one wait.
      if (!this.#busy) this.#taking = this.#take();
    }, EVERY_MS);
  }

  get seconds(): number {
    return (performance.now() - this.#began) / 1000;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#taking;
  }

  async #take(): Promise<void> {
    this.#busy = true;
    const { seconds: atSeconds, fault } = this;
    const fabs = await Promise.all(
      this.#cluster.fabs.map(async (fab) => [fab, await this.#fab(fab)] as const),
    );
    this.samples.push({ atSeconds, fault, fabs: Object.fromEntries(fabs) });
    this.#busy = false;
  }

  async #fab(fab: Fab): Promise<FabSample> {
    const stream = this.load?.stream(fab);
    const latencies = (stream?.takeLatencies() ?? []).sort((a, b) => a - b);
    const { rss, wal, database } = usageOf(this.#cluster, fab);
    return {
      ...{ rssBytes: rss || null, walBytes: wal, databaseBytes: database },
      ...{ p50Ms: quantile(latencies, 0.5), p99Ms: quantile(latencies, 0.99) },
      unacknowledged: stream?.backlog ?? 0,
      missing: await missingAt(this.#cluster.address(fab)),
    };
  }
}

function quantile(sorted: readonly number[], share: number): number | null {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? null;
}

async function missingAt(address: string): Promise<number | null> {
  const monitor = makeClient(syncMonitor, address);
  try {
    return toNumber((await monitor.GetNode({}, { deadlineMs: DEADLINE_MS })).node?.missing_updates);
  } catch {
    // It is down, or stands still: there is nothing to draw.
    return null;
  } finally {
    monitor.close();
  }
}
