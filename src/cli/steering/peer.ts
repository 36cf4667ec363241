import type { FabId } from '../../clocks/dot.ts';
import { wafersync } from '../../gen/wafersync.js';
import { fromNumber, toNumber } from '../../wire/long.ts';
import type { Message } from '../../wire/message.ts';
import { syncControl } from '../../wire/services.ts';
import { withNode } from '../node-client.ts';
import { userName } from '../options.ts';
import { printable, type Terminal, utc } from '../output.ts';

const { LaneKind } = wafersync.v1;

/** Lanes of a peer, by their plain words. */
export const LANES = {
  all: LaneKind.LANE_KIND_ALL,
  live: LaneKind.LANE_KIND_LIVE,
  'catch-up': LaneKind.LANE_KIND_CATCH_UP,
} as const;

/** Options of `wafersync peer resume`. */
export interface ResumeOptions {
  /** host:port of a node. */
  readonly node: string;
  readonly json?: boolean;
  readonly author?: string;
  readonly reason?: string;
}

/** Options of `wafersync peer pause`. */
export interface PauseOptions extends ResumeOptions {
  readonly reason: string;
  readonly lanes: keyof typeof LANES;
  /** Milliseconds. */
  readonly for?: number;
}

/** Pauses a peer. Resolves to the exit code. */
export async function pausePeer(fab_id: FabId, options: PauseOptions, terminal: Terminal): Promise<number> {
  const { node, author = userName(), reason, lanes, for: duration = 0 } = options;
  const { pause, replaced } = await withNode(syncControl, node, (control) =>
    control.PausePeer({ fab_id, lanes: LANES[lanes], duration_ms: fromNumber(duration), author, reason }),
  );
  const told = pauseJson(pause);
  const before = pauseJson(replaced);
  if (options.json) terminal.out(JSON.stringify({ ...told, replaced: before }));
  else if (told) terminal.out(`Paused: ${pauseText(told)}`);
  if (before && !options.json) terminal.out(`In place of the pause before: ${pauseText(before)}`);
  return 0;
}

/** Ends the pause of a peer. Resolves to the exit code. */
export async function resumePeer(fab_id: FabId, options: ResumeOptions, terminal: Terminal): Promise<number> {
  const { node, author = userName(), reason = '' } = options;
  const { ended } = await withNode(syncControl, node, (control) =>
    control.ResumePeer({ fab_id, author, reason }),
  );
  if (options.json) terminal.out(JSON.stringify(pauseJson(ended)));
  else terminal.out(`${fab_id} is not paused any more; both sides catch up.`);
  return 0;
}

/** A pause with the keys of the proto, numbers as numbers and lanes in words; null without one. */
export function pauseJson(pause: Message<'PeerPause'> | null | undefined) {
  if (!pause) return null;
  return {
    fab_id: pause.fab_id ?? '',
    lanes: Object.entries(LANES).find(([, lanes]) => lanes === pause.lanes)?.[0] ?? '',
    author: pause.author ?? '',
    reason: pause.reason ?? '',
    since_ms: toNumber(pause.since_ms),
    until_ms: toNumber(pause.until_ms),
  };
}

/** A pause in words. */
export function pauseText(pause: NonNullable<ReturnType<typeof pauseJson>>): string {
  const { fab_id, lanes, author, reason, since_ms, until_ms } = pause;
  const what = lanes === 'all' ? fab_id : `the ${lanes} lanes of ${fab_id}`;
  const until = until_ms > 0 ? `until ${utc(until_ms * 1000)}` : `until \`wafersync peer resume ${fab_id}\``;
  return printable(`${what}, since ${utc(since_ms * 1000)}, ${until}; ${author || 'nobody'} said: ${reason}`);
}
