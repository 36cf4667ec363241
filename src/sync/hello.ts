import type { FabId, Origin } from '../clocks/dot.ts';
import { WafersyncError } from '../errors.ts';
import { MAX_UPDATE_BYTES } from '../wafer/update.ts';
import { type Hello, PROTOCOL_VERSION, type Window } from './messages.ts';

/** Checks the first words of a peer. @throws WafersyncError `precondition` for another protocol or another fab than was dialled */
export function checkHello(peer: FabId, hello: Hello): void {
  if (hello.protocol !== PROTOCOL_VERSION) {
    throw new WafersyncError(
      'precondition',
      `${peer} speaks protocol ${hello.protocol}, this node ${PROTOCOL_VERSION}`,
      {
        hint: 'Bring both nodes to versions of wafersync that speak the same protocol.',
      },
    );
  }
  if (hello.node.fab !== peer) {
    throw new WafersyncError(
      'precondition',
      `the node at the address of ${peer} says that it is ${hello.node.fab}`,
      {
        hint: `Correct the address of ${peer} under mesh.peers.`,
      },
    );
  }
}

/** First words of this node. */
export function helloOf(node: Origin, window: Window): Hello {
  return { protocol: PROTOCOL_VERSION, node, window, maxUpdateBytes: MAX_UPDATE_BYTES };
}
