import { WafersyncError } from '../../errors.ts';
import { fromNumber } from '../../wire/long.ts';
import type { Message } from '../../wire/message.ts';
import { syncMonitor } from '../../wire/services.ts';
import { withNode } from '../node-client.ts';
import type { WaitFor } from '../options.ts';
import { counted, duration, grouped, printable, type Terminal } from '../output.ts';
import { lotStatusJson, receiptJson } from './lot-json.ts';
import { likeText, receiptLines } from './lot-text.ts';
import type { LotOptions } from './status.ts';

/** Options of `wafersync lot wait`. */
export interface LotWaitOptions extends LotOptions {
  readonly at: WaitFor;
  /** Milliseconds. */
  readonly timeout: number;
  readonly acceptCut?: boolean;
  readonly acceptReports?: boolean;
}

/** How long is waited where nobody says, milliseconds. */
export const DEFAULT_TIMEOUT_MS = 600_000;

/** Longest wait, milliseconds: that of the contract. */
export const MAX_TIMEOUT_MS = 86_400_000;

/** Exit code where time was up before the lot was complete and equal. */
export const EXIT_TIME_UP = 2;

/** What is missing that is told in a line of progress. */
const MAX_MISSING = 3;

/**
 * Waits for a lot and prints the receipt. What is waited for, and what is missing whenever that changes, goes to stderr, except with
 * `--json`. Resolves to 0, or {@link EXIT_TIME_UP} with what is missing.
 */
export async function lotWait(lot: string, options: LotWaitOptions, terminal: Terminal): Promise<number> {
  const request = {
    lot,
    fab_ids: options.at === 'all' ? [] : [...options.at],
    timeout_ms: fromNumber(options.timeout),
    accept_cut: options.acceptCut ?? false,
    accept_reports: options.acceptReports ?? false,
  };
  const teller = new Teller(terminal);
  if (!options.json) terminal.err(beginning(lot, options));
  const receipt = await withNode(syncMonitor, options.node, async (monitor) => {
    for await (const response of monitor.WaitForLot(request)) {
      if (!options.json) teller.tell(response);
      if (response.receipt) return receiptJson(response.receipt);
    }
    throw new WafersyncError('unavailable', `the node at ${options.node} ended the wait for lot ${lot}`, {
      hint: 'Wait again.',
    });
  });
  terminal.out(options.json ? JSON.stringify(receipt) : receiptLines(receipt).join('\n'));
  return receipt.confirmed ? 0 : EXIT_TIME_UP;
}

function beginning(lot: string, { at, timeout }: LotWaitOptions): string {
  const fabs = at === 'all' ? 'all fabs' : at.join(', ');
  const longest = duration(timeout).replace(/(?<= (?:min|h|d)) 0 (?:s|min|h)$/, '');
  return `waiting until lot ${printable(lot)} is complete, and equal at ${fabs}: ${longest} at most`;
}

/** Tells what is missing, whenever that changes. */
class Teller {
  readonly #terminal: Terminal;
  #told: string | null = null;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  tell({ receipt, progress, missing, similar_lots }: Message<'WaitForLotResponse'>): void {
    if (receipt) return;
    const line = progressLine(progress, missing ?? []);
    // A person may see counts go down; a log is told what is missing, and not how much of it each time.
    const key = this.#terminal.interactive ? line : (missing ?? []).map(withoutCounts).join();
    if (line && key !== this.#told) this.#terminal.err(printable(line));
    this.#told = key;
    if (similar_lots && similar_lots.length > 0) this.#terminal.err(likeText(similar_lots));
  }
}

function withoutCounts(sentence: string): string {
  return sentence.replace(/\b\d[\d,]*(?= )/g, '');
}

/** How the lot is on the way. A node of an earlier version does not say what is missing. */
function progressLine(
  progress: Message<'WaitForLotResponse'>['progress'],
  missing: readonly string[],
): string {
  const others = missing.length - MAX_MISSING;
  const told = [...missing.slice(0, MAX_MISSING), ...(others > 0 ? [`${grouped(others)} more`] : [])];
  if (!progress) return told.join('; ');
  const { attempts_received, attempts_expected } = lotStatusJson(progress);
  const attempts =
    attempts_expected === null
      ? counted(attempts_received, 'attempt')
      : `${grouped(attempts_received)} of ${counted(attempts_expected, 'attempt')}`;
  return [`${attempts} here`, ...told].join('; ');
}
