import { WafersyncError } from '../../errors.ts';
import { toNumber } from '../../wire/long.ts';
import type { Message } from '../../wire/message.ts';
import { syncControl } from '../../wire/services.ts';
import { withNode } from '../node-client.ts';
import { userName, type WaitFor } from '../options.ts';
import { counted, duration, grouped, type Terminal } from '../output.ts';

/** Options of `wafersync drain`. */
export interface DrainOptions {
  /** host:port of a node. */
  readonly node: string;
  readonly json?: boolean;
  readonly author?: string;
  readonly reason?: string;
  readonly at: WaitFor;
  readonly wait?: boolean;
  /** Milliseconds. */
  readonly timeout?: number;
  readonly cancel?: boolean;
}

/**
 * Drains a node, or takes that back. Resolves to the exit code: with --wait 1 where it is not drained in time; it goes on
 * being drained then.
 */
export async function drain(options: DrainOptions, terminal: Terminal): Promise<number> {
  if (options.cancel) return cancelDrain(options, terminal);
  if (!options.reason) {
    throw new WafersyncError('invalid', 'there is no --reason', {
      hint: 'Say why: testers, uploads and people are told.',
    });
  }
  const last = await follow(options, options.reason, (progress) => {
    if (options.wait && !options.json) terminal.err(leftText(progress));
  });
  if (options.json) terminal.out(JSON.stringify(last));
  else if (last.drained) terminal.out('It is drained: it may be stopped.');
  else if (!options.wait)
    terminal.out(
      `${leftText(last)}\nIt takes nothing in any more, until it is restarted or --cancel is said.`,
    );
  if (last.drained || !options.wait) return 0;
  terminal.err(
    `wafersync: it is not drained after ${duration(options.timeout ?? 0)}. It goes on: ask again with --wait, or say --cancel.`,
  );
  return 1;
}

async function cancelDrain(
  { node, author = userName(), reason = '', json }: DrainOptions,
  terminal: Terminal,
) {
  const { was_draining } = await withNode(syncControl, node, (control) =>
    control.CancelDrain({ author, reason }),
  );
  const was = was_draining ?? false;
  if (json) terminal.out(JSON.stringify({ was_draining: was }));
  else terminal.out(was ? 'It takes everything in again.' : 'It was not drained: it takes everything in.');
  return 0;
}

/** Tells how far it is; the last before it is drained, time is over, or at once where nobody waits. */
async function follow(
  { node, author = userName(), at, wait, timeout }: DrainOptions,
  reason: string,
  told: (progress: DrainJson) => void,
): Promise<DrainJson> {
  const signal = wait && timeout !== undefined ? AbortSignal.timeout(timeout) : undefined;
  const fab_ids = at === 'all' ? [] : [...at];
  let last: DrainJson | null = null;
  try {
    await withNode(syncControl, node, async (control) => {
      const request = { fab_ids, author, reason };
      for await (const news of control.Drain(request, signal ? { signal } : {})) {
        last = drainJson(news);
        told(last);
        if (!wait) return;
      }
    });
  } catch (thrown) {
    if (!signal?.aborted) throw thrown;
  }
  if (last) return last;
  const within = signal?.aborted ? ` in ${duration(timeout ?? 0)}` : '';
  throw new WafersyncError('unavailable', `the node at ${node} said nothing of its drain${within}`, {
    hint: 'Look whether it runs, and ask again: it may be drained.',
  });
}

type DrainJson = ReturnType<typeof drainJson>;

/** Keys of `--json`: those of the proto, numbers as numbers. */
function drainJson(progress: Message<'DrainResponse'>) {
  return {
    drained: progress.drained ?? false,
    open_streams: progress.open_streams ?? 0,
    only_here_updates: toNumber(progress.only_here_updates),
    only_here_of_others: toNumber(progress.only_here_of_others),
    lacks: (progress.lacks ?? []).map((lack) => ({
      fab_id: lack.fab_id ?? '',
      lacks_updates: toNumber(lack.lacks_updates),
      held_updates: toNumber(lack.held_updates),
      connected: lack.connected ?? false,
    })),
    author: progress.author ?? '',
    reason: progress.reason ?? '',
    since_ms: toNumber(progress.since_ms),
  };
}

function leftText({ open_streams, only_here_updates, only_here_of_others, lacks }: DrainJson): string {
  const left = [
    ...(open_streams > 0 ? [`${counted(open_streams, 'stream or upload', 'streams and uploads')} open`] : []),
    ...lacks.map(({ fab_id, lacks_updates, held_updates, connected }) => {
      const held = held_updates > 0 ? `, holds ${grouped(held_updates)}` : '';
      return `${fab_id} lacks ${counted(lacks_updates, 'update')}${held}${connected ? '' : ', and is not connected'}`;
    }),
    ...(only_here_updates > 0
      ? [
          `${grouped(only_here_updates)} are only here, ${grouped(only_here_of_others)} of them born elsewhere`,
        ]
      : []),
  ];
  return left.length > 0 ? left.join('; ') : 'nothing is left';
}
