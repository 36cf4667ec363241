import { setTimeout } from 'node:timers/promises';
import { inspectRun } from '../../src/cli/inspect.ts';
import { type DemoLot, demoLot } from '../../src/generator/demo-lot.ts';
import { importFile } from '../support/run-client.ts';
import { foundOr, type Ledger, passes } from './ledger.ts';

/** A file that a node took. */
interface Taken {
  readonly lot: DemoLot;
  readonly runId: string;
  readonly fault: number;
}

/** How long before a file that was not acknowledged is handed in again, milliseconds. */
const RETRY_MS = 150;

/** Hands STDF files in, each again and again until it is acknowledged. */
export class FileLoad {
  readonly #ledger: Ledger;
  readonly #taken: Taken[] = [];
  #next: number;

  /** @param first number of the first lot; each file is the next lot */
  constructor(ledger: Ledger, first: number) {
    this.#ledger = ledger;
    this.#next = first;
  }

  /**
   * Hands the next file in at a node, until it is acknowledged or given up.
   * @param size dies of its one wafer; 12 tests each
   */
  async handIn(address: string, size: number, signal?: AbortSignal): Promise<void> {
    const lot = demoLot({ number: this.#next++, wafers: 1, parameters: { tests: 12, dies: size } });
    while (!signal?.aborted) {
      try {
        const { runId } = await importFile(address, lot.fileName, lot.stdf);
        this.#taken.push({ lot, runId, fault: this.#ledger.fault });
        this.#ledger.acknowledged(lot.results);
        return;
      } catch (error) {
        if (!passes(error)) throw error;
        await setTimeout(RETRY_MS);
      }
    }
  }

  /** Compares each file with what a fab gives back of it, and forgets none. */
  async check(fab: string, address: string): Promise<void> {
    for (const { lot, runId, fault } of this.#taken) {
      const found = await foundOr(null, inspectRun(address, runId));
      if (found?.digests.attempts_sha256 !== lot.digests.attempts_sha256)
        this.#ledger.lost(fault, `file ${lot.fileName}: not at ${fab} as it was`);
    }
  }

  /** Checked files need not be checked again. */
  forget(): void {
    this.#taken.length = 0;
  }
}
