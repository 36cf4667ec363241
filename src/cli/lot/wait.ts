import { WafersyncError } from '../../errors.ts';
import { fromNumber } from '../../wire/long.ts';
import type { Message } from '../../wire/message.ts';
import { syncMonitor } from '../../wire/services.ts';
import { withNode } from '../node-client.ts';
import type { WaitFor } from '../options.ts';
import { grouped, type Terminal } from '../output.ts';
import { lotStatusJson, receiptJson } from './lot-json.ts';
import { receiptLines } from './lot-text.ts';
import type { LotOptions } from './status.ts';

/** Options of `wafersync lot wait`. */
export interface LotWaitOptions extends LotOptions {
  readonly at: WaitFor;
  /** Seconds. */
  readonly timeout: number;
  readonly acceptCut?: boolean;
  readonly acceptReports?: boolean;
}

/** Longest wait, seconds: that of the contract. */
export const MAX_TIMEOUT_S = 86_400;

/** Exit code where time was up before the lot was complete and equal. */
export const EXIT_TIME_UP = 2;

/** Waits for a lot and prints the receipt. Resolves to 0, or {@link EXIT_TIME_UP} with what is missing. */
export async function lotWait(lot: string, options: LotWaitOptions, terminal: Terminal): Promise<number> {
  const request = {
    lot,
    fab_ids: options.at === 'all' ? [] : [...options.at],
    timeout_ms: fromNumber(options.timeout * 1000),
    accept_cut: options.acceptCut ?? false,
    accept_reports: options.acceptReports ?? false,
  };
  const receipt = await withNode(syncMonitor, options.node, async (monitor) => {
    for await (const { progress, receipt } of monitor.WaitForLot(request)) {
      if (receipt) return receiptJson(receipt);
      if (progress && terminal.interactive) terminal.err(progressLine(progress));
    }
    throw new WafersyncError('unavailable', `the node at ${options.node} ended the wait for lot ${lot}`, {
      hint: 'Wait again.',
    });
  });
  terminal.out(options.json ? JSON.stringify(receipt) : receiptLines(receipt).join('\n'));
  return receipt.confirmed ? 0 : EXIT_TIME_UP;
}

/** How the lot is on the way, for whoever looks on. */
function progressLine(progress: Message<'LotStatus'>): string {
  const { attempts_received, attempts_expected, missing_fabs, incomplete_run_count } =
    lotStatusJson(progress);
  const whole = attempts_expected === null ? '?' : grouped(attempts_expected);
  const missing = missing_fabs.map(({ fab_id, updates }) => `${fab_id} lacks ${grouped(updates)}`);
  const runs = incomplete_run_count > 0 ? [`${grouped(incomplete_run_count)} runs not complete`] : [];
  return [`${grouped(attempts_received)} of ${whole} attempts`, ...runs, ...missing].join(', ');
}
