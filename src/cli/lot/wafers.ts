import { syncMonitor } from '../../wire/services.ts';
import { withNode } from '../node-client.ts';
import { counted, type Terminal } from '../output.ts';
import { STATES, type WaferStatusJson, waferStatusJson } from './lot-json.ts';
import { likeText, waferTable } from './lot-text.ts';

/** Words for the states of wafers. */
export const WAFER_STATES = Object.keys(STATES);

/** Options of `wafersync wafers`. */
export interface WafersOptions {
  /** host:port of a node. */
  readonly node: string;
  readonly lot?: string;
  readonly state?: keyof typeof STATES;
  readonly missingAt?: string;
  readonly limit: number;
  readonly json?: boolean;
}

/** Most wafers asked for at once. */
const PAGE = 200;

/** Tells the wafers that match. Resolves to the exit code. */
export async function listWafers(options: WafersOptions, terminal: Terminal): Promise<number> {
  const { wafers, more, similar } = await wafersOf(options);
  if (options.json) terminal.out(JSON.stringify(wafers));
  else if (wafers.length === 0) terminal.out('no wafer matches');
  else terminal.out(waferTable(wafers));
  if (similar.length > 0) terminal.err(likeText(similar));
  if (more) terminal.err(`there are more than ${counted(options.limit, 'wafer')}: --limit tells more`);
  return 0;
}

interface Listed {
  readonly wafers: readonly WaferStatusJson[];
  /** Whether there are more than were asked for. */
  readonly more: boolean;
  /** Lots with names like one of which nothing is known. */
  readonly similar: readonly string[];
}

async function wafersOf(options: WafersOptions): Promise<Listed> {
  const { lot = '', state, missingAt: missing_at = '', limit } = options;
  const wanted = { lot, missing_at, ...(state ? { state: STATES[state] } : {}) };
  const told: WaferStatusJson[] = [];
  return withNode(syncMonitor, options.node, async (monitor) => {
    let page_token = '';
    let similar: readonly string[] = [];
    do {
      // One more than is told shows whether there are more.
      const page_size = Math.min(PAGE, limit + 1 - told.length);
      const { wafers, next_page_token, similar_lots } = await monitor.ListWafers({
        ...wanted,
        page_size,
        page_token,
      });
      similar = similar_lots ?? [];
      told.push(...(wafers ?? []).map(waferStatusJson));
      page_token = next_page_token ?? '';
    } while (page_token !== '' && told.length <= limit);
    return { wafers: told.slice(0, limit), more: told.length > limit, similar };
  });
}
