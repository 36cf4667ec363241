import { setTimeout } from 'node:timers/promises';
import { Random } from '../../src/generator/random.ts';
import { Cluster } from '../support/cluster.ts';
import { Ledger, type Loss } from './ledger.ts';
import { type LoadSize, MeshLoad } from './mesh-load.ts';
import { converged, reaches, receivedAtAny } from './mesh-watch.ts';
import { tinyWafers } from './pressure.ts';
import type { FaultRecord } from './reliability.ts';
import { SOAK_FAULTS } from './soak-faults.ts';
import { type Sample, SoakSamples } from './soak-samples.ts';
import { conflictsAt, type Verdict, verdict } from './verdict.ts';
import { within } from './within.ts';

/** What to do. */
export interface SoakOptions {
  readonly minutes: number;
  readonly seed: number;
  /** Tiny wafers that are streamed to one fab besides, before the faults begin. */
  readonly wafers: number;
  readonly tell?: (line: string) => void;
}

/** What came of it. */
export interface SoakReport extends Verdict {
  readonly seed: number;
  readonly records: readonly FaultRecord[];
  readonly losses: readonly Loss[];
  readonly acknowledged: number;
  readonly samples: readonly Sample[];
}

/** Longest round: at its end the load stops and all that was acknowledged in it is looked for. */
const ROUND_SECONDS = 150;
/** Pause between two faults, milliseconds. */
const PAUSE_MS = 2_000;
const CONVERGES_MS = 180_000;
const SIZE: LoadSize = {
  ...{ diesPerSecond: 5, resultsPerDie: 50, editEveryMs: 400 },
  ...{ fileEveryMs: 3_000, fileDies: 200 },
};

/** Five fabs under load and faults for some minutes. */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const cluster = await Cluster.start();
  try {
    return await new Soak(cluster, options).run();
  } finally {
    await cluster.stop();
  }
}

class Soak {
  readonly #cluster: Cluster;
  readonly #options: SoakOptions;
  readonly #random: Random;
  readonly #ledger = new Ledger();
  readonly #records: FaultRecord[] = [];
  readonly #samples: SoakSamples;

  constructor(cluster: Cluster, options: SoakOptions) {
    this.#cluster = cluster;
    this.#options = options;
    this.#random = Random.seeded(options.seed);
    this.#samples = new SoakSamples(cluster);
  }

  async run(): Promise<SoakReport> {
    try {
      await this.#tiny();
      const seconds = this.#options.minutes * 60;
      const rounds = Math.max(1, Math.ceil(seconds / ROUND_SECONDS));
      const began = this.#samples.seconds;
      for (let round = 0; round < rounds; round++)
        await this.#round(round, began + (seconds * (round + 1)) / rounds);
    } finally {
      await this.#samples.stop();
    }
    return {
      ...{ seed: this.#options.seed, records: this.#records, losses: this.#ledger.losses },
      ...{ acknowledged: this.#ledger.total, samples: this.#samples.samples },
      ...(await verdict(this.#cluster)),
    };
  }

  async #tiny(): Promise<void> {
    const { wafers, tell = () => {} } = this.#options;
    if (wafers === 0) return;
    this.#samples.fault = 'tiny wafers';
    let told = 0;
    await tinyWafers(this.#cluster.address('az'), wafers, (durable) => {
      if (durable - told < wafers / 20) return;
      told = durable;
      tell(`${durable} of ${wafers} tiny wafers are durable`);
    });
    this.#ledger.acknowledged(wafers);
    await within(CONVERGES_MS + wafers, 'the tiny wafers at all fabs', converged(this.#addresses));
  }

  async #round(round: number, untilSeconds: number): Promise<void> {
    const random = this.#random.fork(round);
    const load = new MeshLoad(this.#cluster, this.#ledger, SIZE, round, random.fork('files'));
    this.#samples.load = load;
    try {
      const waiting: string[] = [];
      while (this.#samples.seconds < untilSeconds) {
        if (waiting.length === 0) waiting.push(...random.shuffled(Object.keys(SOAK_FAULTS)));
        await this.#fault(waiting.pop()!, random);
      }
      await within(CONVERGES_MS, 'the end of the load', load.stop());
      await within(CONVERGES_MS, 'the same at all fabs', converged(this.#addresses));
      await load.check();
    } finally {
      load.close();
      this.#samples.load = null;
    }
  }

  async #fault(fault: string, random: Random): Promise<void> {
    this.#samples.fault = fault;
    await SOAK_FAULTS[fault]!(this.#cluster, random);
    const convergedMs = await within(CONVERGES_MS, `the mesh whole again after ${fault}`, this.#whole());
    this.#samples.fault = '';
    const falseConflicts = await conflictsAt(this.#cluster, random.pick(this.#cluster.fabs));
    const acknowledged = this.#ledger.acknowledgedUnder(this.#ledger.fault++);
    this.#records.push({ fault, convergedMs, acknowledged, falseConflicts });
    const at = Math.round(this.#samples.seconds);
    this.#options.tell?.(`${at} s  ${fault}  whole again after ${Math.round(convergedMs)} ms`);
    await setTimeout(PAUSE_MS);
  }

  /** Settles, with the time that it took, once every fab has what any had at the beginning. */
  async #whole(): Promise<number> {
    const began = performance.now();
    const all = await receivedAtAny(this.#addresses);
    await Promise.all(this.#addresses.map((address) => reaches(address, all)));
    return performance.now() - began;
  }

  get #addresses(): string[] {
    return this.#cluster.fabs.map((fab) => this.#cluster.address(fab));
  }
}
