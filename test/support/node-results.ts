import { makeClient } from '../../src/api/client.ts';
import { toNumber } from '../../src/wire/long.ts';
import { syncMonitor } from '../../src/wire/services.ts';
import type { LocalNode } from './local-nodes.ts';

/** How much a node keeps. */
export interface Kept {
  readonly updates: number;
  readonly attempts: number;
  readonly results: number;
}

/** What the node at an address keeps. */
export async function keptAt(address: string): Promise<Kept> {
  const monitor = makeClient(syncMonitor, address);
  try {
    const { node } = await monitor.GetNode({});
    return {
      updates: toNumber(node?.updates),
      attempts: toNumber(node?.attempts),
      results: toNumber(node?.results),
    };
  } finally {
    monitor.close();
  }
}

/** Settles when a node keeps so many results; looks again whenever the node says that something changed. */
export async function hasResults(node: LocalNode, results: number): Promise<void> {
  let changed = true;
  let wake = () => {};
  const unsubscribe = node.changes.subscribe(() => {
    changed = true;
    wake();
  });
  for (;;) {
    changed = false;
    if ((await keptAt(node.address)).results >= results) break;
    if (!changed) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }
  unsubscribe();
}
