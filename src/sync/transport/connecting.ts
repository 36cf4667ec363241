import { type Client, connectivityState } from '@grpc/grpc-js';
import type { FabId } from '../../clocks/dot.ts';
import { WafersyncError } from '../../errors.ts';
import type { Cancel, World } from '../../world.ts';

/** A connection that is to come about. */
export interface Connecting {
  readonly client: Pick<Client, 'getChannel'>;
  readonly world: Pick<World, 'after'>;
  readonly peer: FabId;
  /** host:port. */
  readonly address: string;
  /** How long it may take, milliseconds. */
  readonly withinMs: number;
}

/**
 * Tells once where a connection does not come about in time. grpc-js waits without end for something that takes connections
 * and says nothing: a node that stands still, or a tunnel whose other end is gone.
 */
export function unlessConnected(
  { client, world, peer, address, withinMs }: Connecting,
  failed: (error: WafersyncError) => void,
): Cancel {
  return world.after('connect', withinMs, () => {
    const state = client.getChannel().getConnectivityState(false);
    // Idle is one that was there: its other side takes no further calls, and those that are open go on.
    if (state === connectivityState.READY || state === connectivityState.IDLE) return;
    const error = new WafersyncError(
      'unavailable',
      `no node answers at ${address} (no answer in ${withinMs / 1000} s)`,
      {
        hint: `Look whether the node of ${peer} stands still, or a tunnel takes connections and its other end is gone.`,
      },
    );
    failed(error);
  });
}
