import { RETENTION_POLICIES } from '../../api/retention-service.ts';
import { formatDot } from '../../clocks/dot.ts';
import { WafersyncError } from '../../errors.ts';
import { toNumber } from '../../wire/long.ts';
import type { Message } from '../../wire/message.ts';
import { retentionService } from '../../wire/services.ts';
import { fromDot } from '../../wire/vectors.ts';
import { withNode } from '../node-client.ts';
import { counted, grouped, printable, type Terminal, table } from '../output.ts';

/** Options of `wafersync purge`. */
export interface PurgeOptions {
  /** host:port of a node. */
  readonly node: string;
  /** Days. */
  readonly olderThan: number;
  readonly dryRun?: boolean;
  readonly reason?: string;
  readonly author: string;
  readonly json?: boolean;
}

/** Options of `wafersync purges`. */
export interface PurgesOptions {
  /** host:port of a node. */
  readonly node: string;
  readonly limit: number;
  readonly json?: boolean;
}

/** Purges, or tells what a purge would take. Resolves to the exit code. */
export async function purge(options: PurgeOptions, terminal: Terminal): Promise<number> {
  const { node, olderThan, dryRun, reason, author, json } = options;
  if (dryRun) {
    const plan = await withNode(retentionService, node, (retention) =>
      retention.PlanPurge({ older_than_days: olderThan }, RETENTION_POLICIES.PlanPurge),
    );
    terminal.out(
      json ? JSON.stringify(outlookOf(plan)) : outlookText(outlookOf(plan), 'would go').join('\n'),
    );
    return 0;
  }
  if (!reason?.trim()) {
    throw new WafersyncError('invalid', 'a purge cannot be taken back, and no --reason says why it is made', {
      hint: 'Look with --dry-run first; then say --reason TEXT.',
    });
  }
  const purged = await withNode(retentionService, node, (retention) =>
    retention.Purge({ older_than_days: olderThan, author, reason }, RETENTION_POLICIES.Purge),
  );
  const told = {
    purges: (purged.purges ?? []).map((dot) => formatDot(fromDot(dot))),
    updates: toNumber(purged.updates),
    freed_bytes: toNumber(purged.freed_bytes),
    left: outlookOf(purged.left ?? {}),
  };
  terminal.out(json ? JSON.stringify(told) : purgedText(told));
  return 0;
}

/** Tells the purges that a node knows. Resolves to the exit code. */
export async function listPurges(options: PurgesOptions, terminal: Terminal): Promise<number> {
  const { purges } = await withNode(retentionService, options.node, (retention) =>
    retention.ListPurges({ limit: options.limit }),
  );
  const told = (purges ?? []).map(infoOf);
  if (options.json) terminal.out(JSON.stringify(told));
  else if (told.length === 0) terminal.out('nothing was purged');
  else {
    terminal.out(
      table(
        ['PURGED', 'BY', 'PURGE', 'UPDATES', 'STUBS HERE', 'OLDER THAN', 'WHY'],
        told.map((one) => [
          ...[
            one.purged_at,
            printable(one.author) || 'daily',
            one.purge,
            grouped(one.updates),
            grouped(one.stubs),
          ],
          ...[`${one.term_days} d`, printable(one.reason)],
        ]),
      ),
    );
  }
  return 0;
}

function infoOf(info: Message<'PurgeInfo'>) {
  return {
    purge: info.dot ? formatDot(fromDot(info.dot)) : '',
    purged_at: momentOf(info.purged_at_us),
    author: info.author ?? '',
    reason: info.reason ?? '',
    term_days: info.term_days ?? 0,
    updates: toNumber(info.updates),
    stubs: toNumber(info.stubs),
  };
}

type Outlook = ReturnType<typeof outlookOf>;

/** Keys of `--json`: those of the proto, times in words. */
function outlookOf(plan: Message<'PlanPurgeResponse'>) {
  return {
    updates: toNumber(plan.updates),
    bytes: toNumber(plan.bytes),
    blocked_updates: toNumber(plan.blocked_updates),
    oldest: momentOf(plan.oldest_us),
    blocks: (plan.blocks ?? []).map((block) => ({
      fab_id: block.fab_id ?? '',
      updates: toNumber(block.updates),
      heard_at: momentOf(block.heard_at_us),
      oldest: momentOf(block.oldest_us),
    })),
  };
}

/** A moment as people and programs read it; empty where there is none. */
function momentOf(us: Message<'PurgeBlock'>['oldest_us']): string {
  const number = toNumber(us);
  return number === 0 ? '' : new Date(number / 1000).toISOString();
}

function purgedText({
  purges,
  updates,
  freed_bytes,
  left,
}: {
  readonly purges: readonly string[];
  readonly updates: number;
  readonly freed_bytes: number;
  readonly left: Outlook;
}): string {
  const done =
    purges.length === 0
      ? 'nothing was purged'
      : `the values of ${counted(updates, 'update')} are gone, ${counted(freed_bytes, 'byte')} here; purges: ${purges.join(' ')}`;
  return [
    done,
    ...(left.blocks.length > 0 || left.updates > 0 ? outlookText(left, 'may go by another purge') : []),
  ].join('\n');
}

function outlookText({ updates, bytes, blocked_updates, oldest, blocks }: Outlook, would: string): string[] {
  const from = oldest ? `, the oldest born ${oldest}` : '';
  const lines = [`the values of ${counted(updates, 'update')} ${would}, of ${counted(bytes, 'byte')}${from}`];
  if (blocks.length === 0) return lines;
  return [
    ...lines,
    `${counted(blocked_updates, 'update is', 'updates are')} blocked, since these members are not known to have applied them:`,
    table(
      ['FAB', 'LACKS UPDATES', 'THE OLDEST OF', 'LAST NEWS OF IT'],
      blocks.map((block) => [
        printable(block.fab_id),
        grouped(block.updates),
        block.oldest || '-',
        block.heard_at || 'never',
      ]),
    ),
  ];
}
