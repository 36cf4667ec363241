import type { FabId } from '../../clocks/dot.ts';
import { WafersyncError } from '../../errors.ts';
import { clockText, rateText, limitText as timesText } from '../../sync/steering-words.ts';
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
  /** In the order in which they are looked at. */
  readonly between?: readonly DaySpan[];
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

/** What is to be said to the node. @throws WafersyncError `invalid` for options that contradict each other */
function wish({ rate, between = [], otherwise, none }: LimitOptions) {
  const rates = [
    ...(rate === undefined ? [] : ['--rate']),
    ...(between.length === 0 ? [] : ['--between']),
    ...(otherwise === undefined ? [] : ['--otherwise']),
  ];
  if (none && rates.length > 0) {
    throw new WafersyncError('invalid', `--none ends the limit, and ${rates.join(', ')} would set one`, {
      hint: 'Give one or the other.',
    });
  }
  if (none) return {};
  if (rate === undefined) {
    throw new WafersyncError('invalid', 'there is no --rate', {
      hint: 'Give one such as 2MB/s, or --none to end the limit.',
    });
  }
  if (between.length > 0) {
    const windows = between.map(({ from, to }) => {
      return { from_minute: from, to_minute: to, bytes_per_s: fromNumber(rate) };
    });
    return { bytes_per_s: fromNumber(otherwise ?? 0), windows };
  }
  if (otherwise === undefined) return { bytes_per_s: fromNumber(rate) };
  throw new WafersyncError('invalid', '--otherwise is given without --between: --rate would hold all day', {
    hint: 'Say when --rate holds, as in --between 08:00-18:00, or leave --otherwise out.',
  });
}

/** A limit with the keys of the proto, numbers as numbers, minutes of the day as times as well; null without one. */
export function limitJson(limit: Message<'PeerLimit'> | null | undefined) {
  if (!limit) return null;
  return {
    fab_id: limit.fab_id ?? '',
    bytes_per_s: toNumber(limit.bytes_per_s),
    windows: (limit.windows ?? []).map(({ from_minute, to_minute, bytes_per_s }) => ({
      from_minute: from_minute ?? 0,
      to_minute: to_minute ?? 0,
      from: clockText(from_minute ?? 0),
      to: clockText(to_minute ?? 0),
      bytes_per_s: toNumber(bytes_per_s),
    })),
    author: limit.author ?? '',
    reason: limit.reason ?? '',
    since_ms: toNumber(limit.since_ms),
    now_bytes_per_s: toNumber(limit.now_bytes_per_s),
    time_zone: limit.time_zone ?? '',
    now: limit.time_zone ? clockText(limit.now_minute ?? 0) : '',
  };
}

/** A limit in words. An older node does not tell its time zone. */
export function limitText(limit: NonNullable<ReturnType<typeof limitJson>>): string {
  const { fab_id, bytes_per_s, author, reason, now_bytes_per_s, time_zone, now } = limit;
  const windows = limit.windows.map((window) => ({
    fromMinute: window.from_minute,
    toMinute: window.to_minute,
    bytesPerS: window.bytes_per_s,
  }));
  const all = timesText(bytes_per_s, windows, time_zone && `${time_zone}, now ${now}`);
  return printable(
    `${fab_id}, ${all}; now ${rateText(now_bytes_per_s)}; ${author || 'nobody'} said: ${reason}`,
  );
}
