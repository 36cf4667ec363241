import { toNumber } from '../../wire/long.ts';
import type { Message } from '../../wire/message.ts';
import { syncControl } from '../../wire/services.ts';
import { withNode } from '../node-client.ts';
import { printable, type Terminal, table, utc } from '../output.ts';

/** Options of `wafersync acts`. */
export interface ActsOptions {
  /** host:port of a node. */
  readonly node: string;
  readonly json?: boolean;
  readonly limit: number;
}

/** Tells the latest acts. Resolves to the exit code. */
export async function listActs(options: ActsOptions, terminal: Terminal): Promise<number> {
  const rows = await withNode(syncControl, options.node, async (control) => {
    const acts: Message<'Act'>[] = [];
    for (let page_token = ''; ; ) {
      const page = await control.ListActs({ page_size: options.limit - acts.length, page_token });
      acts.push(...(page.acts ?? []));
      page_token = page.next_page_token ?? '';
      if (!page_token || acts.length >= options.limit) return acts.map(actJson);
    }
  });
  if (options.json) terminal.out(JSON.stringify(rows));
  else if (rows.length === 0) terminal.out('nobody did anything here');
  else terminal.out(actTable(rows));
  return 0;
}

type ActJson = ReturnType<typeof actJson>;

/** Keys of `--json`: those of the proto, numbers as numbers. */
function actJson(act: Message<'Act'>) {
  return {
    at_ms: toNumber(act.at_ms),
    act: act.act ?? '',
    about: act.about ?? '',
    detail: act.detail ?? '',
    author: act.author ?? '',
    reason: act.reason ?? '',
  };
}

function actTable(rows: readonly ActJson[]): string {
  return table(
    ['AT', 'ACT', 'ABOUT', 'WHAT', 'BY', 'WHY'],
    rows.map((row) => [
      utc(row.at_ms * 1000),
      row.act,
      ...[row.about, row.detail, row.author, row.reason].map((text) => printable(text) || '-'),
    ]),
  );
}
