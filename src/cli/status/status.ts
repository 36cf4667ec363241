import { realWorld } from '../../world.ts';
import { untilInterrupted } from '../interrupted.ts';
import type { Terminal } from '../output.ts';
import { addressesOf, askNamed, askOther } from './ask.ts';
import type { MeshAnswers } from './mesh-view.ts';
import { statusJson, statusText } from './screen-text.ts';
import { watchStatus } from './watch-status.ts';

/** Options of `wafersync status`. */
export interface StatusOptions {
  /** host:port of a node. */
  readonly node: string;
  readonly watch?: boolean;
  readonly json?: boolean;
}

/** Tells the state of a node and of the mesh. Resolves to the exit code. */
export async function status(options: StatusOptions, terminal: Terminal): Promise<number> {
  if (options.watch) return await untilInterrupted((signal) => watchStatus(options, terminal, signal));
  const answers = await askMesh(options.node);
  terminal.out(options.json ? JSON.stringify(statusJson(answers)) : statusText(answers, realWorld.nowMs()));
  return 0;
}

/** Asks a node, and every other one that it knows an address of, all at once. @throws WafersyncError where the first gives no answer */
async function askMesh(address: string): Promise<MeshAnswers> {
  const named = await askNamed(address);
  const addresses = addressesOf(named);
  const others = await Promise.all(
    [...addresses].map(async ([fab, at]) => [fab, await askOther(at)] as const),
  );
  return { named, others: new Map(others), addresses, address };
}
