import type { FabId } from '../../clocks/dot.ts';
import type { wafersync } from '../../gen/wafersync.js';
import { toNumber } from '../../wire/long.ts';
import type { World } from '../../world.ts';
import { askNode } from '../ask-node.ts';

/** How long a node has to answer, milliseconds. */
const DEADLINE_MS = 3_000;

/** A node that was asked how it is. */
export interface Asked {
  /** Fab that is expected there. */
  readonly fab: FabId;
  readonly address: string;
  /** Null where it did not answer. */
  readonly node: wafersync.v1.NodeState.$Properties | null;
  /** Why not. */
  readonly error: string;
  /** It said nothing in time, though nothing says that nobody is there. */
  readonly late: boolean;
  /** How far its clock is ahead of this machine's, and how far that may be off, milliseconds; null where it does not say. */
  readonly clock: { readonly aheadMs: number; readonly uncertaintyMs: number } | null;
}

/** Asks a node how it is. */
export async function ask(fab: FabId, address: string, world: World): Promise<Asked> {
  const [beganMs, began] = [world.nowMs(), world.steadyMs()];
  const { node, error, late } = await askNode(address, DEADLINE_MS);
  const tookMs = world.steadyMs() - began;
  const theirs = toNumber(node?.clock?.now_ms);
  const clock =
    theirs > 0 ? { aheadMs: theirs - (beganMs + tookMs / 2), uncertaintyMs: tookMs / 2 + 1 } : null;
  return { fab, address, node, error: error?.message ?? '', late, clock };
}
