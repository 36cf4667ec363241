import { makeClient } from '../api/client.ts';
import { nodeFailure } from '../api/node-failure.ts';
import { WafersyncError } from '../errors.ts';
import type { wafersync } from '../gen/wafersync.js';
import { syncMonitor } from '../wire/services.ts';
import { GrpcCode } from '../wire/status.ts';

/** What a node said of itself; or null, and why it said nothing. Late: something may take connections there and say nothing. */
export type AskedNode =
  | { readonly node: wafersync.v1.NodeState.$Properties; readonly error: null; readonly late: false }
  | { readonly node: null; readonly error: WafersyncError; readonly late: boolean };

/** Asks a node how it is, for no longer than a while. */
export async function askNode(address: string, deadlineMs: number): Promise<AskedNode> {
  const monitor = makeClient(syncMonitor, address);
  try {
    const { node } = await monitor.GetNode({}, { deadlineMs });
    if (node) return { node, error: null, late: false };
    const empty = new WafersyncError('unavailable', `the node at ${address} gave no state`);
    return { node: null, error: empty, late: false };
  } catch (thrown) {
    const error = WafersyncError.from(thrown);
    const { cause } = error;
    const isLate = cause instanceof Error && 'code' in cause && cause.code === GrpcCode.DEADLINE_EXCEEDED;
    if (!isLate) return { node: null, error: nodeFailure(error, address), late: false };
    const late = new WafersyncError('unavailable', `no answer in ${deadlineMs / 1000} s`);
    return { node: null, error: late, late: true };
  } finally {
    monitor.close();
  }
}
