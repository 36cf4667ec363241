import { parseDot } from '../../src/clocks/dot.ts';
import { fromNumber } from '../../src/wire/long.ts';
import {
  type AnyMethod,
  retentionService,
  type Service,
  syncControl,
  syncMonitor,
  verifyService,
} from '../../src/wire/services.ts';
import { toDot } from '../../src/wire/vectors.ts';

/** Who asks, and why, where nothing is wrong with that. */
export const WHY = { author: 'kim', reason: 'we looked' };
const LONG = 'x'.repeat(5_000);
const DOT = toDot(parseDot('tw.1-8f3a5c2e90:57'));
const NO_FAB_ID = /^fab id "KR!" is not valid\. Use 1 to 16 of a-z, 0-9 and "-", beginning with a letter/;
const UNKNOWN = /^kr is no fab of this mesh\. It has az, tw/;
const NO_REASON = /^reason is empty\. Say why: whoever looks for it later reads it\.$/;
const OTHER_PAGE =
  /^page_token "(x|-1)" is none of this method\. Give next_page_token of the answer before, or /;
const TOO_FAR = fromNumber(2 ** 53 - 1).add(1);

/** A request that must be refused: its method, what is sent, and how it is refused. */
export type Refusal = readonly [method: string, request: object, code: string, line: RegExp];

const CONTROL: readonly Refusal[] = [
  ['AddFab', { fab_id: 'KR!' }, 'invalid', NO_FAB_ID],
  ['AddFab', { fab_id: '' }, 'invalid', /^fab id "" is not valid\. Use /],
  ['AddFab', { fab_id: 'kr', address: 'nowhere' }, 'invalid', /^the address "nowhere" .*host:port/],
  ['AddFab', { fab_id: 'kr', reason: LONG }, 'exhausted', /^reason has 5000 characters\. Say it in \d+\.$/],
  ['RemoveFab', { fab_id: 'kr', ...WHY }, 'not-found', /^kr is no fab .*`wafersync fab add` adds one\.$/],
  ['RemoveFab', { fab_id: 'az', reason: ' ' }, 'invalid', NO_REASON],
  ['RemoveFab', { fab_id: 'KR!', ...WHY }, 'invalid', NO_FAB_ID],
  ['EvictFab', { fab_id: 'kr', confirm_fab_id: 'kr', ...WHY }, 'not-found', UNKNOWN],
  ['EvictFab', { fab_id: 'az', ...WHY }, 'invalid', /^the eviction of az is not confirmed\. Name it twice/],
  ['EvictFab', { fab_id: 'az', confirm_fab_id: 'az' }, 'invalid', NO_REASON],
  [
    'EvictFab',
    { fab_id: 'tw', confirm_fab_id: 'tw', ...WHY },
    'precondition',
    /it cannot evict itself\. Ask the node/,
  ],
  ['ReleaseHeld', WHY, 'invalid', /^dot is missing\. Give the dot of a held update, as ListHeld tells it\.$/],
  ['ReleaseHeld', { dot: DOT }, 'invalid', NO_REASON],
  [
    'ReleaseHeld',
    { dot: DOT, ...WHY },
    'not-found',
    /^tw\.\S+:57 is not held: it is not here\. `wafersync held list`/,
  ],
  ['ReleaseHeld', { dot: {}, ...WHY }, 'invalid', /^fab id "" is not valid\. Use /],
  ['DropHeld', WHY, 'invalid', /^dot is missing\. Give the dot of a held update/],
  ['DropHeld', { dot: DOT }, 'invalid', NO_REASON],
  [
    'DropHeld',
    { dot: DOT, ...WHY },
    'not-found',
    /is not held: it is not here\. `wafersync held list` tells/,
  ],
  ['PausePeer', { fab_id: 'kr', ...WHY }, 'not-found', UNKNOWN],
  [
    'PausePeer',
    { fab_id: 'tw', ...WHY },
    'precondition',
    /^this is the node of tw: it is no peer of itself\. Name/,
  ],
  ['PausePeer', { fab_id: 'az', reason: ' ' }, 'invalid', NO_REASON],
  ['PausePeer', { fab_id: 'az', lanes: 9, ...WHY }, 'invalid', /^lanes is 9, .* It is LANE_KIND_LIVE, LANE_/],
  [
    'PausePeer',
    { fab_id: 'az', duration_ms: fromNumber(2_592_000_001), ...WHY },
    'invalid',
    /^duration_ms is 2592000001\. Give at most 2592000000, which is 30 days/,
  ],
  [
    'PausePeer',
    { fab_id: 'az', duration_ms: TOO_FAR, ...WHY },
    'invalid',
    /^duration_ms is 9007199254740992, which is beyond 2\^53 - 1\. Send/,
  ],
  [
    'PausePeer',
    { fab_id: 'az', author: LONG, reason: 'x' },
    'exhausted',
    /^author has 5000 characters\. Say it in /,
  ],
  [
    'ResumePeer',
    { fab_id: 'az' },
    'precondition',
    /^az is not paused here\. No peer is: ask the node at which/,
  ],
  ['ResumePeer', { fab_id: 'KR!' }, 'invalid', NO_FAB_ID],
  ['SetPeerLimit', { fab_id: 'kr', ...WHY }, 'not-found', UNKNOWN],
  ['SetPeerLimit', { fab_id: 'az' }, 'invalid', NO_REASON],
  [
    'SetPeerLimit',
    { fab_id: 'az', bytes_per_s: fromNumber(5), ...WHY },
    'invalid',
    /^a limit of 5 B\/s is less than 1\.024 kB\/s\. Give more, pause the peer \(/,
  ],
  [
    'SetPeerLimit',
    { fab_id: 'az', windows: [{ from_minute: 1440 }], ...WHY },
    'invalid',
    /^minute 1440 is not of a day\. Count from midnight, 0 to 1439\.$/,
  ],
  [
    'SetPeerLimit',
    { fab_id: 'az', windows: Array(25).fill({}), ...WHY },
    'invalid',
    /^25 windows are given\. Give at most 24\.$/,
  ],
  ['Drain', { reason: ' \t' }, 'invalid', NO_REASON],
  [
    'Drain',
    { fab_ids: ['kr'], ...WHY },
    'not-found',
    /^kr is no fab of this mesh\. Name some of az, tw, or none for all/,
  ],
  ['Drain', { fab_ids: ['tw'], ...WHY }, 'not-found', /^tw is the node that is drained\. Name some of az/],
  ['Drain', { fab_ids: ['KR!'], ...WHY }, 'invalid', NO_FAB_ID],
  ['CancelDrain', { reason: LONG }, 'exhausted', /^reason has 5000 characters\. Say it in /],
  ['ListActs', { page_token: 'x' }, 'invalid', OTHER_PAGE],
];

const MONITOR: readonly Refusal[] = [
  ['GetWaferStatus', {}, 'invalid', /^wafer_id is empty\. Name the wafer; lot and insertion narrow it\.$/],
  [
    'GetWaferStatus',
    { wafer_id: 'W9' },
    'not-found',
    /^wafer W9 is not known here\. It may not have arrived yet/,
  ],
  [
    'ListWafers',
    { missing_at: 'kr' },
    'invalid',
    /^missing_at names kr, which is not a member .* are az, tw\.$/,
  ],
  ['ListWafers', { missing_at: 'KR!' }, 'invalid', NO_FAB_ID],
  ['ListWafers', { state: 9 }, 'invalid', /^state 9 is not known\. Ask for PENDING, SYNCED or CONFLICT\.$/],
  [
    'ListWafers',
    { page_token: 'x' },
    'invalid',
    /^page_token is none that this node gave\. Give next_page_token/,
  ],
  [
    'GetLotStatus',
    {},
    'invalid',
    /^lot is empty\. Name the lot\. ListWafers, and `wafersync wafers`, tell the wafers without one too\.$/,
  ],
  [
    'GetLotStatus',
    { lot: 'L9' },
    'not-found',
    /^lot L9 is not known here\. .*`wafersync lot wait` waits for it\.$/,
  ],
  [
    'WatchSyncStatus',
    { insertion: 'CP1' },
    'invalid',
    /^insertion is given, and wafer_id is empty\. Name the wafer/,
  ],
  ['GetLotDigest', {}, 'invalid', /^lot is empty\. Name the lot/],
  ['WaitForLot', {}, 'invalid', /^lot is empty\. Name the lot/],
  [
    'WaitForLot',
    { lot: 'L9', fab_ids: ['kr'] },
    'invalid',
    /^fab_ids names kr, which is not a member .* are az, tw\.$/,
  ],
  [
    'WaitForLot',
    { lot: 'L9', timeout_ms: fromNumber(86_400_001) },
    'invalid',
    /^timeout_ms is 86400001\. Give at most 86400000/,
  ],
  [
    'WaitForLot',
    { lot: 'L9', timeout_ms: TOO_FAR },
    'invalid',
    /^timeout_ms is 9007199254740992, which is beyond/,
  ],
  [
    'ListHeld',
    { reason: 9 },
    'invalid',
    /^reason is 9, which this version does not know\. It is one of HoldReason/,
  ],
  ['ListHeld', { fab_id: 'KR!' }, 'invalid', NO_FAB_ID],
  ['ListHeld', { page_token: '-1' }, 'invalid', OTHER_PAGE],
];

const VERIFY: readonly Refusal[] = [
  [
    'Verify',
    { fab_ids: ['kr'] },
    'invalid',
    /^kr is no other member of this mesh\. Name another fab, or all: the others are az\.$/,
  ],
  ['Verify', { fab_ids: ['tw'] }, 'invalid', /^tw is no other member of this mesh\. Name another fab/],
  ['Verify', { fab_ids: ['KR!'] }, 'invalid', NO_FAB_ID],
  [
    'CompareDigests',
    {},
    'invalid',
    /^only nodes of the mesh call this, and wafersync-fab is not given\. .*VerifyService\/Verify\.$/,
  ],
];

const RETENTION: readonly Refusal[] = [
  [
    'PlanPurge',
    { older_than_days: 36_501 },
    'invalid',
    /^older_than_days is 36501\. Give at most 36500 days\.$/,
  ],
  [
    'Purge',
    { older_than_days: 36_501, ...WHY },
    'invalid',
    /^older_than_days is 36501\. Give at most 36500 days\.$/,
  ],
  ['Purge', { reason: 'x' }, 'invalid', /^author is empty\. Say who asks: every fab shows it\.$/],
  ['Purge', { author: 'kim', reason: ' ' }, 'invalid', /^reason is empty\. Say why: every fab shows it\.$/],
  ['Purge', { author: LONG, reason: 'x' }, 'invalid', /^author has 5000 bytes\. Say it in 1024 bytes\.$/],
];

/** What each service refuses. */
export const REFUSALS: readonly (readonly [Service<Record<string, AnyMethod>>, readonly Refusal[]])[] = [
  [syncControl, CONTROL],
  [syncMonitor, MONITOR],
  [verifyService, VERIFY],
  [retentionService, RETENTION],
];
