import type { FabId } from '../clocks/dot.ts';
import { WafersyncError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Store } from '../store/store.ts';
import { appliedOf, type Report } from './report.ts';

/**
 * Writes what other nodes reported to the store, now and then, so that it is known after a restart as well. What is
 * kept may lag behind what was heard; it understates, and never overstates.
 */
export class ReportKeeper {
  readonly #store: Pick<Store, 'peers'>;
  readonly #housekeep: (work: () => void) => Promise<void>;
  readonly #log: Log;
  /** Bounded by the members of the mesh: the latest of each. */
  #unsaved = new Map<FabId, Report>();

  /** @param housekeep runs a small write in the next group commit */
  constructor(store: Pick<Store, 'peers'>, housekeep: (work: () => void) => Promise<void>, log: Log) {
    this.#store = store;
    this.#housekeep = housekeep;
    this.#log = log;
  }

  heard(report: Report): void {
    this.#unsaved.set(report.node.fab, report);
  }

  /** Writes what is new. A failure is logged, and the reports are written the next time. */
  async save(): Promise<void> {
    const reports = this.#unsaved;
    if (reports.size === 0) return;
    this.#unsaved = new Map();
    try {
      await this.#housekeep(() => {
        for (const report of reports.values()) {
          const { node, number, received } = report;
          this.#store.peers.saveReport({ origin: node, number, received, applied: appliedOf(report) });
        }
      });
    } catch (thrown) {
      this.#unsaved = new Map([...reports, ...this.#unsaved]);
      const error = WafersyncError.from(thrown);
      // That the disk is full is told once, for all.
      if (error.code !== 'exhausted') this.#log.warn('reports.not_saved', { reason: error.line });
    }
  }
}
