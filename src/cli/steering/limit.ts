import type { FabId } from '../../clocks/dot.ts';
import { WafersyncError } from '../../errors.ts';
import { fromNumber, toNumber } from '../../wire/long.ts';
import type { Message } from '../../wire/message.ts';
import { syncControl } from '../../wire/services.ts';
import { withNode } from '../node-client.ts';
import { type DaySpan, userName } from '../options.ts';
import { printable, type Terminal } from '../output.ts';

/** Options of `wafersync peer limit`. */
export interface LimitOptions {
  /** host:port of a node. */
  readonly node: string;
  readonly json?: boolean;
  readonly author?: string;
  readonly reason: string;
  /** Bytes a second. */
  readonly rate?: number;
  readonly between?: DaySpan;
  /** Bytes a second. */
  readonly otherwise?: number;
  readonly none?: boolean;
}

/** Limits a peer, or ends its limit. Resolves to the exit code. */
export async function limitPeer(fab_id: FabId, options: LimitOptions, terminal: Terminal): Promise<number> {
  const { node, author = userName(), reason } = options;
  const wanted = { fab_id, ...wish(options), author, reason };
  const { limit } = await withNode(syncControl, node, (control) => control.SetPeerLimit(wanted));
  const told = limitJson(limit);
  if (options.json) terminal.out(JSON.stringify(told));
  else terminal.out(told ? `Limited: ${limitText(told)}` : `${fab_id} is not limited any more.`);
  return 0;
}

function wish({ rate, between, otherwise = 0, none }: LimitOptions) {
  if (none) return {};
  if (rate === undefined) {
    throw new WafersyncError('invalid', 'there is no --rate', {
      hint: 'Give one such as 2MB/s, or --none to end the limit.',
    });
  }
  if (!between) return { bytes_per_s: fromNumber(rate) };
  const window = { from_minute: between.from, to_minute: between.to, bytes_per_s: fromNumber(rate) };
  return { bytes_per_s: fromNumber(otherwise), windows: [window] };
}

/** A limit with the keys of the proto, numbers as numbers; null without one. */
export function limitJson(limit: Message<'PeerLimit'> | null | undefined) {
  if (!limit) return null;
  return {
    fab_id: limit.fab_id ?? '',
    bytes_per_s: toNumber(limit.bytes_per_s),
    windows: (limit.windows ?? []).map((window) => ({
      from_minute: window.from_minute ?? 0,
      to_minute: window.to_minute ?? 0,
      bytes_per_s: toNumber(window.bytes_per_s),
    })),
    author: limit.author ?? '',
    reason: limit.reason ?? '',
    since_ms: toNumber(limit.since_ms),
    now_bytes_per_s: toNumber(limit.now_bytes_per_s),
  };
}

/** A limit in words. */
export function limitText(limit: NonNullable<ReturnType<typeof limitJson>>): string {
  const { fab_id, bytes_per_s, windows, author, reason, now_bytes_per_s } = limit;
  const parts = windows.map(
    (window) =>
      `${rateText(window.bytes_per_s)} from ${clock(window.from_minute)} to ${clock(window.to_minute)}`,
  );
  const all = [...parts, `${parts.length > 0 ? 'else ' : ''}${rateText(bytes_per_s)}`].join(', ');
  return printable(
    `${fab_id}, ${all}; now ${rateText(now_bytes_per_s)}; ${author || 'nobody'} said: ${reason}`,
  );
}

/** A rate as `--rate` takes it; 0 for none. */
export function rateText(bytes: number): string {
  if (bytes === 0) return 'no limit';
  return bytes < 1_000_000 ? `${bytes / 1_000} kB/s` : `${bytes / 1_000_000} MB/s`;
}

function clock(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
}
