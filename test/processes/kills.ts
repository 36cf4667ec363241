import { fileURLToPath } from 'node:url';
import { Random } from '../../src/generator/random.ts';
import { Cluster, type Fab } from '../support/cluster.ts';
import { CHECKPOINT_PAGES_VARIABLE } from './kill-points.ts';
import { KILL_WAYS, type KillWay } from './kill-ways.ts';
import { Ledger, type Loss } from './ledger.ts';
import { type LoadSize, MeshLoad } from './mesh-load.ts';
import { converged, reaches, receivedAt, receivedAtAny } from './mesh-watch.ts';
import type { FaultRecord } from './reliability.ts';
import { conflictsAt, type Verdict, verdict } from './verdict.ts';
import { within } from './within.ts';

/** What to do. */
export interface KillOptions {
  readonly count: number;
  readonly seed: number;
  /** Told of each kill. */
  readonly tell?: (line: string) => void;
}

/** One kill. */
export interface Kill extends FaultRecord {
  readonly point: string;
  readonly victim: Fab;
  /** Tries until the node died at its point. */
  readonly tries: number;
}

/** What came of it. */
export interface KillReport extends Verdict {
  readonly seed: number;
  readonly kills: readonly Kill[];
  readonly losses: readonly Loss[];
  /** Writes that were acknowledged. */
  readonly acknowledged: number;
}

const PRELOAD = fileURLToPath(new URL('kill-preload.ts', import.meta.url));
/** Kills before all that was acknowledged is looked for. */
const KILLS_OF_A_ROUND = 10;
/** Pages, so that there is a checkpoint every second or so under this load. */
const CHECKPOINT_PAGES = 200;
/** Tries for one point, where a node died before or behind it. */
const MAX_TRIES = 5;
/** How long a mesh may take to be whole again, milliseconds. */
const CONVERGES_MS = 120_000;
const SIZE: LoadSize = {
  ...{ diesPerSecond: 8, resultsPerDie: 20, editEveryMs: 200 },
  ...{ fileEveryMs: 1_000, fileDies: 60 },
};

/** Kills nodes of five fabs under load, one after the other, and looks whether anything was lost. */
export async function kills(options: KillOptions): Promise<KillReport> {
  const cluster = await Cluster.start(
    undefined,
    {},
    {
      preload: PRELOAD,
      environment: { [CHECKPOINT_PAGES_VARIABLE]: String(CHECKPOINT_PAGES) },
      // Many commits, so that there is room for a kill between them.
      config: { sync: { catch_up_chunk_bytes: 65_536 } },
    },
  );
  try {
    return await new Kills(cluster, options).run();
  } finally {
    await cluster.stop();
  }
}

class Kills {
  readonly #cluster: Cluster;
  readonly #options: KillOptions;
  readonly #random: Random;
  readonly #ledger = new Ledger();
  readonly #kills: Kill[] = [];

  constructor(cluster: Cluster, options: KillOptions) {
    this.#cluster = cluster;
    this.#options = options;
    this.#random = Random.seeded(options.seed);
  }

  async run(): Promise<KillReport> {
    const points = this.#points();
    for (let from = 0; from < points.length; from += KILLS_OF_A_ROUND) {
      await this.#round(from / KILLS_OF_A_ROUND, points.slice(from, from + KILLS_OF_A_ROUND));
    }
    return this.#report();
  }

  /** The point of each kill: all of them by turns, in an order that changes. */
  #points(): string[] {
    const points: string[] = [];
    const { count } = this.#options;
    while (points.length < count) points.push(...this.#random.shuffled(Object.keys(KILL_WAYS)));
    return points.slice(0, count);
  }

  async #round(round: number, points: readonly string[]): Promise<void> {
    const random = this.#random.fork(round);
    const load = new MeshLoad(this.#cluster, this.#ledger, SIZE, round, random.fork('files'));
    try {
      for (const point of points) await this.#kill(point, load, random);
      await within(CONVERGES_MS, 'the end of the load', load.stop());
      const addresses = this.#cluster.fabs.map((fab) => this.#cluster.address(fab));
      await within(CONVERGES_MS, 'the same at all fabs', converged(addresses));
      await load.check();
    } finally {
      load.close();
    }
  }

  async #kill(point: string, load: MeshLoad, random: Random): Promise<void> {
    const victim = random.pick(this.#cluster.fabs);
    let tries = 0;
    let convergedMs = 0;
    for (let met = false; !met; ) {
      if (++tries > MAX_TRIES) throw new Error(`${MAX_TRIES} tries to kill ${victim} ${point} missed it`);
      const way: KillWay = KILL_WAYS[point]!;
      met = await way({ cluster: this.#cluster, victim, load, random });
      await this.#cluster.stopNode(victim, 'SIGKILL');
      await this.#cluster.startNode(victim);
      convergedMs = await within(
        CONVERGES_MS,
        `all that ${victim} and the others missed`,
        this.#whole(victim),
      );
    }
    const falseConflicts = await conflictsAt(this.#cluster, victim);
    const acknowledged = this.#ledger.acknowledgedUnder(this.#ledger.fault++);
    const seen = { convergedMs, acknowledged, falseConflicts };
    this.#kills.push({ fault: `kill -9 ${point}`, point, victim, tries, ...seen });
    const number = `${this.#kills.length}/${this.#options.count}`;
    this.#options.tell?.(`${number}  ${victim}  ${point}  whole again after ${Math.round(convergedMs)} ms`);
  }

  /** Settles, with the time that it took, once the victim has what the others have now, and they what it has. */
  async #whole(victim: Fab): Promise<number> {
    const began = performance.now();
    const own = this.#cluster.address(victim);
    const others = this.#cluster.fabs
      .filter((fab) => fab !== victim)
      .map((fab) => this.#cluster.address(fab));
    const [mine, theirs] = await Promise.all([receivedAt(own), receivedAtAny(others)]);
    await Promise.all([reaches(own, theirs), ...others.map((other) => reaches(other, mine))]);
    return performance.now() - began;
  }

  async #report(): Promise<KillReport> {
    return {
      ...{ seed: this.#options.seed, kills: this.#kills, losses: this.#ledger.losses },
      ...{ acknowledged: this.#ledger.total, ...(await verdict(this.#cluster)) },
    };
  }
}
