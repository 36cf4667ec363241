import { syncMonitor } from '../../wire/services.ts';
import { withNode } from '../node-client.ts';
import type { Terminal } from '../output.ts';
import { lotStatusJson } from './lot-json.ts';
import { lotLines } from './lot-text.ts';

/** Options that every command about a lot has. */
export interface LotOptions {
  /** host:port of a node. */
  readonly node: string;
  readonly json?: boolean;
}

/** Tells what is here of a lot, and which fabs have it. Resolves to the exit code. */
export async function lotStatus(lot: string, options: LotOptions, terminal: Terminal): Promise<number> {
  const { status } = await withNode(syncMonitor, options.node, (monitor) => monitor.GetLotStatus({ lot }));
  const told = lotStatusJson(status ?? {});
  terminal.out(options.json ? JSON.stringify(told) : lotLines(told).join('\n'));
  return 0;
}
