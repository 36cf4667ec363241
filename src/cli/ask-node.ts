import { makeClient } from '../api/client.ts';
import { WafersyncError } from '../errors.ts';
import type { wafersync } from '../gen/wafersync.js';
import { syncMonitor } from '../wire/services.ts';
import { nodeFailure } from './node-client.ts';

/** What a node said of itself; or null, and why it said nothing. */
export type AskedNode =
  | { readonly node: wafersync.v1.NodeState.$Properties; readonly error: null }
  | { readonly node: null; readonly error: WafersyncError };

/** Asks a node how it is, for no longer than a while. */
export async function askNode(address: string, deadlineMs: number): Promise<AskedNode> {
  const monitor = makeClient(syncMonitor, address);
  try {
    const { node } = await monitor.GetNode({}, { deadlineMs });
    if (node) return { node, error: null };
    return { node: null, error: new WafersyncError('unavailable', `the node at ${address} gave no state`) };
  } catch (thrown) {
    const error = WafersyncError.from(thrown);
    const late = new WafersyncError('unavailable', `no answer in ${deadlineMs / 1000} s`);
    return { node: null, error: error.code === 'cancelled' ? late : nodeFailure(error, address) };
  } finally {
    monitor.close();
  }
}
