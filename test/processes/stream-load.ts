import { setTimeout } from 'node:timers/promises';
import { makeClient } from '../../src/api/client.ts';
import { openTester, type TesterClient, type TesterReceipt } from '../../src/tester/index.ts';
import { testEquipment } from '../../src/wire/services.ts';
import type { Ledger } from './ledger.ts';

/** What one tester streams. */
export interface StreamPlan {
  readonly lot: string;
  readonly equipmentId: string;
  /** host:port of its node. */
  readonly node: string;
  readonly diesPerSecond: number;
  readonly resultsPerDie: number;
}

const DIES_OF_A_ROW = 100;

/** A result's value: whole binary fractions, so that each comes back exactly, and each is another. */
const measured = (die: number, test: number) => die + test / 64;

/** A tester that streams one lot at a pace until it is told to stop, and knows exactly what was acknowledged to it. */
export class StreamLoad {
  /** Everything up to this position was acknowledged. */
  acknowledged = 0;
  /** Milliseconds from handing a die in to its acknowledgement, since they were last taken. */
  #latencies: number[] = [];
  readonly #plan: StreamPlan;
  readonly #ledger: Ledger;
  readonly #tester: TesterClient;
  readonly #done: Promise<TesterReceipt>;
  readonly #tests;
  /** Of each fault, in order: the position up to which was acknowledged under it. */
  readonly #marks: { readonly fault: number; through: number }[] = [];
  /** When dies were handed in whose results are not acknowledged, by the position of their last. */
  readonly #handedIn: { readonly through: number; readonly atMs: number }[] = [];
  readonly #waiting = new Set<{ readonly through: number; readonly resolve: () => void }>();
  readonly #stop = new AbortController();

  constructor(plan: StreamPlan, ledger: Ledger) {
    this.#plan = plan;
    this.#ledger = ledger;
    this.#tests = Array.from({ length: plan.resultsPerDie }, (_, i) => ({ name: `test ${i}`, number: i }));
    this.#tester = openTester({
      ...{ node: plan.node, equipmentId: plan.equipmentId, streamId: plan.lot },
      retry: { minMs: 20, maxMs: 200 },
      bounds: { bufferedResults: 20_000 },
      on: (event) => {
        if (event.type === 'opened') this.#opened(event.through);
        if (event.type === 'durable') this.#durable(event.through);
      },
    });
    this.#done = this.#run();
    // Told by stop(), which awaits it.
    this.#done.catch(() => {});
  }

  /** Settles once so many results more were acknowledged. */
  more(results: number): Promise<void> {
    const through = this.acknowledged + results;
    return new Promise((resolve) => this.#waiting.add({ through, resolve }));
  }

  /** Milliseconds of the acknowledgements since the last call. */
  takeLatencies(): number[] {
    const taken = this.#latencies;
    this.#latencies = [];
    return taken;
  }

  /** Results handed in and not acknowledged. */
  get backlog(): number {
    const { handedIn, durable } = this.#tester.progress;
    return handedIn - durable;
  }

  /** Ends the stream; settles once all of it is durable. */
  stop(): Promise<TesterReceipt> {
    this.#stop.abort();
    return this.#done;
  }

  /** Gives up; what is not acknowledged is nobody's. */
  close(): void {
    this.#stop.abort();
    this.#tester.close();
  }

  /** Reads the lot at a fab and notes what was acknowledged and is not there, exactly once, as it was. */
  async check(fab: string, address: string): Promise<void> {
    const { lot, resultsPerDie } = this.#plan;
    const client = makeClient(testEquipment, address);
    let position = 0;
    try {
      for await (const { die_x, die_y, test_value } of client.GetHistoricalTests({ lot })) {
        const die = Math.floor(position / resultsPerDie);
        const wanted = measured(die, position % resultsPerDie);
        position++;
        if ((die_y ?? 0) * DIES_OF_A_ROW + (die_x ?? 0) === die && test_value === wanted) continue;
        this.#lost(
          position,
          `${test_value} of die ${die_x},${die_y} stands where ${wanted} belongs, at ${fab}`,
        );
        return;
      }
    } finally {
      client.close();
    }
    if (position < this.acknowledged)
      this.#lost(position + 1, `${this.acknowledged} were acknowledged, ${fab} has ${position}`);
  }

  #opened(through: number): void {
    if (through < this.acknowledged)
      this.#lost(through + 1, `${this.acknowledged} were acknowledged, the node says ${through}`);
  }

  #durable(through: number): void {
    this.#ledger.acknowledged(through - this.acknowledged);
    this.acknowledged = through;
    const { fault } = this.#ledger;
    const mark = this.#marks.at(-1);
    if (mark?.fault === fault) mark.through = through;
    else this.#marks.push({ fault, through });
    const now = performance.now();
    while ((this.#handedIn[0]?.through ?? Number.POSITIVE_INFINITY) <= through)
      this.#latencies.push(now - this.#handedIn.shift()!.atMs);
    for (const waiting of this.#waiting) {
      if (waiting.through > through) continue;
      this.#waiting.delete(waiting);
      waiting.resolve();
    }
  }

  #lost(position: number, what: string): void {
    const mark = this.#marks.find(({ through }) => position <= through);
    this.#ledger.lost(mark?.fault ?? this.#ledger.fault, `stream ${this.#plan.lot}: ${what}`);
  }

  async #run(): Promise<TesterReceipt> {
    const { lot, diesPerSecond } = this.#plan;
    const began = performance.now();
    for (let die = 0; !this.#stop.signal.aborted; die++) {
      const early = (die / diesPerSecond) * 1000 - (performance.now() - began);
      if (early > 1) await setTimeout(early);
      const values = this.#tests.map((_, i) => measured(die, i));
      this.#handedIn.push({ through: (die + 1) * values.length, atMs: performance.now() });
      await this.#tester.addDie({
        ...{ waferId: `W${1 + Math.floor(die / 1000)}`, lot, tests: this.#tests, values },
        ...{ x: die % DIES_OF_A_ROW, y: Math.floor(die / DIES_OF_A_ROW), passed: values.map(() => true) },
      });
    }
    return this.#tester.finish();
  }
}
