import type { handleBidiStreamingCall, Metadata, StatusObject } from '@grpc/grpc-js';
import { type FabId, fabId } from '../clocks/dot.ts';
import { WafersyncError } from '../errors.ts';
import { wafersync } from '../gen/wafersync.js';
import type { Store } from '../store/store.ts';
import { countedAnswers, countedFrom } from '../sync/counted-lanes.ts';
import { type Coverage, coverageOf } from '../sync/coverage.ts';
import type { Membership } from '../sync/membership.ts';
import { type LaneMessage, type PeerStatus, PROTOCOL_VERSION } from '../sync/messages.ts';
import type { PeerRates } from '../sync/peer-rates.ts';
import type { PeerTraffic } from '../sync/peer-traffic.ts';
import { answerPulls } from '../sync/pull-server.ts';
import type { SyncRunner } from '../sync/sync-runner.ts';
import { grpcStream } from '../sync/transport/grpc-stream.ts';
import { PEER_FAB, PEER_PROTOCOL } from '../sync/transport/grpc-transport.ts';
import {
  fromPullRequest,
  fromWaferUpdate,
  toPullRequest,
  toSyncStatus,
  toWaferUpdate,
} from '../sync/transport/lane-codec.ts';
import { askingInTurn, chunked, count, counted } from '../sync/transport/paced-transport.ts';
import type { WaferKey } from '../wafer/wafer-key.ts';
import type { dataSync } from '../wire/services.ts';
import type { World } from '../world.ts';
import { BreakOff } from './break-off.ts';
import { bidi, type CallContext } from './call.ts';
import { onChange } from './changes.ts';
import type { HandlersOf } from './handlers.ts';
import { fromStatusObject, toHandlerError } from './metadata.ts';
import type { Slots } from './slots.ts';
import { waferState } from './wafer-state.ts';

const { SyncState } = wafersync.v1;
type WaferUpdate = wafersync.v1.WaferUpdate.$Properties;
type SyncStatus = wafersync.v1.SyncStatus.$Properties;
type PullRequest = wafersync.v1.PullRequest.$Properties;

/** What the service is made of. */
export interface DataSyncOptions {
  readonly store: Store;
  readonly sync: SyncRunner;
  readonly world: World;
  readonly self: FabId;
  readonly membership: Pick<Membership, 'fabs' | 'members' | 'stateOf'>;
  /** What the lanes of peers are counted by. */
  readonly traffic: PeerTraffic;
  /** How fast updates go to peers and come from them. */
  readonly rates: PeerRates;
  /** For subscriptions. */
  readonly slots: Slots;
}

/** Least time between two statuses of one subscription, milliseconds. */
const MIN_INTERVAL_MS = 20;

/** Wafers that one subscription may match. */
const MAX_WAFERS = 1000;

/** Handlers of DataSync: lanes of peers, and subscriptions of everyone else. */
export function dataSyncHandlers(options: DataSyncOptions): HandlersOf<typeof dataSync.methods> {
  const subscribe = bidi<WaferUpdate, SyncStatus>((requests, context) =>
    options.slots.during(() => subscription(options, requests, context)),
  );
  return {
    SyncWaferData: (call) => (isPeer(call.metadata) ? acceptLive(options, call) : subscribe(call)),
    OfferWaferData: (call) => acceptOffer(options, call),
    PullWaferData: (call) => answerPeer(options, call),
  };
}

type PullCall = Parameters<handleBidiStreamingCall<PullRequest, WaferUpdate>>[0];
type LiveCall = Parameters<handleBidiStreamingCall<WaferUpdate, SyncStatus>>[0];
type OfferCall = Parameters<handleBidiStreamingCall<WaferUpdate, PullRequest>>[0];

/** Whoever asks is answered; a member as fast as its limit lets through, until it is paused, and its lane is counted. */
function answerPeer(options: DataSyncOptions, call: PullCall): void {
  const name = String(call.metadata.get(PEER_FAB)[0] ?? '');
  const peer = options.membership.fabs().find(({ fab }) => fab === name)?.fab;
  const handle = bidi<PullRequest, WaferUpdate>((requests) =>
    mapAsync(
      peer
        ? answersTo(options, peer, requests)
        : answerPulls(options.store, mapAsync(requests, fromPullRequest)),
      toWaferUpdate,
    ),
  );
  handle(call);
}

/** A pause ends the lane at once, also while nothing is asked for on it. */
async function* answersTo(
  { sync, store, rates, traffic }: DataSyncOptions,
  peer: FabId,
  requests: AsyncIterable<PullRequest>,
): AsyncGenerator<LaneMessage> {
  const asked = mapAsync(requests, async (message) => {
    const request = fromPullRequest(message);
    await new Promise<void>((resolve) => rates.inTurn(peer, 'to', resolve));
    return chunked(peer, rates, request);
  });
  const answers = mapAsync(answerPulls(store, asked), (message) => {
    count(peer, rates, 'to', message);
    return message;
  });
  const refusal = sync.pullRefusal(peer);
  if (refusal) throw refusal;
  const pause = new BreakOff();
  const unsubscribe = sync.changes.subscribe(() => {
    const why = sync.pullRefusal(peer);
    if (why) pause.with(why);
  });
  try {
    yield* countedAnswers(traffic, peer, pause.of(answers));
  } finally {
    unsubscribe();
  }
}

function acceptLive(options: DataSyncOptions, call: LiveCall): void {
  const { rates } = options;
  const codec = {
    ...endingOf(call),
    decode: fromWaferUpdate,
  };
  whoever(options, call, (peer) =>
    options.sync.acceptLive(peer, (handlers) =>
      grpcStream(
        call,
        {
          ...codec,
          // With each status, so that a limit that is set, or begins by the time of day, is heard of within a heartbeat.
          encode: (status: PeerStatus) =>
            toSyncStatus(status, options.world.nowMs() * 1000, rates.now(peer) ?? 0),
        },
        counted(peer, rates, countedFrom(options.traffic, peer, 'live-from', handlers)),
      ),
    ),
  );
}

function acceptOffer(options: DataSyncOptions, call: OfferCall): void {
  const { rates } = options;
  const codec = { ...endingOf(call), decode: fromWaferUpdate, encode: toPullRequest };
  whoever(options, call, (peer) =>
    options.sync.acceptOffer(peer, (handlers) =>
      askingInTurn(
        peer,
        rates,
        grpcStream(
          call,
          codec,
          counted(peer, rates, countedFrom(options.traffic, peer, 'offered-from', handlers)),
        ),
      ),
    ),
  );
}

type PeerCall = Pick<LiveCall, 'metadata' | 'cancelled' | 'emit'>;

/** Accepts the call of a peer; refuses anybody else's. */
function whoever(options: DataSyncOptions, call: PeerCall, accept: (peer: FabId) => void): void {
  let peer: FabId;
  try {
    peer = peerOf(options, call.metadata);
  } catch (thrown) {
    call.emit('error', toHandlerError(thrown));
    return;
  }
  accept(peer);
}

/** How the stream of a call ends, from either side. */
function endingOf(call: PeerCall) {
  return {
    failure: (error: unknown) => fromStatusObject(error as Partial<StatusObject>, error),
    end: (error: WafersyncError) => {
      if (!call.cancelled) call.emit('error', toHandlerError(error));
    },
  };
}

function isPeer(metadata: Metadata): boolean {
  return metadata.get(PEER_FAB).length > 0;
}

/** Who dials. @throws WafersyncError `invalid` where nobody says so, `precondition` for a stranger, this node itself, or another protocol */
export function peerOf(options: Pick<DataSyncOptions, 'self' | 'membership'>, metadata: Metadata): FabId {
  if (!isPeer(metadata)) {
    throw new WafersyncError('invalid', `only nodes of the mesh call this, and ${PEER_FAB} is not given`, {
      hint: 'Results are read by GetHistoricalTests or ReadRun, and fabs are compared by VerifyService/Verify.',
    });
  }
  const peer = fabId(String(metadata.get(PEER_FAB)[0]));
  if (peer === options.self) {
    throw new WafersyncError('precondition', `this node is ${peer} as well`, {
      hint: 'Every fab of a mesh runs one node: give each its own fab, and correct the addresses under mesh.peers.',
    });
  }
  // One that was shut out may come back: what it has is not lost, and it learns what it missed.
  if (options.membership.stateOf(peer) === null) {
    throw new WafersyncError(
      'precondition',
      `${peer} is not a member of this mesh (${options.membership.members().join(', ')})`,
      {
        hint: `Add it at one of these fabs: \`wafersync fab add ${peer}\`.`,
      },
    );
  }
  const protocol = Number(metadata.get(PEER_PROTOCOL)[0]);
  if (protocol !== PROTOCOL_VERSION) {
    throw new WafersyncError(
      'precondition',
      `${peer} speaks protocol ${protocol}, this node ${PROTOCOL_VERSION}`,
      {
        hint: 'Bring both nodes to versions of wafersync that speak the same protocol.',
      },
    );
  }
  return peer;
}

/** Sync state of the wafers that the client's first message names: now, and on each change. Further messages are not read. */
async function* subscription(
  options: DataSyncOptions,
  requests: AsyncIterable<WaferUpdate>,
  context: CallContext,
): AsyncGenerator<SyncStatus> {
  const first = await firstOf(requests);
  if (!first) return;
  const filter = filterOf(first);
  const told = new Map<string, string>();
  for await (const _ of onChange(options.sync.changes, options.world, MIN_INTERVAL_MS, context.signal)) {
    const wafers = options.store.wafers.find(filter).slice(0, MAX_WAFERS);
    if (wafers.length === 0 && told.size === 0) {
      told.set('', '');
      yield { wafer_id: filter.waferId, state: SyncState.SYNC_STATE_UNSPECIFIED };
    }
    for (const { key } of wafers) {
      const coverage = coverageOf(
        options.store.wafers.dots(key),
        options.membership.members(),
        options.sync.reports(),
      );
      const status = statusOf(key, coverage, options.store.documents.conflicts(key).open);
      const name = JSON.stringify(key);
      const text = JSON.stringify(status);
      if (told.get(name) === text) continue;
      told.set(name, text);
      yield status;
    }
  }
}

function filterOf(request: WaferUpdate): { waferId: string; lot?: string; insertion?: string } {
  const waferId = request.wafer_id ?? '';
  const hint =
    'Send one message with nothing but wafer_id (lot and insertion narrow it) to follow the sync state of a wafer.';
  if ((request.delta_data?.length ?? 0) > 0 || (request.header?.length ?? 0) > 0) {
    throw new WafersyncError('invalid', 'only nodes of the mesh send updates here', { hint });
  }
  if (!waferId) throw new WafersyncError('invalid', 'wafer_id is empty', { hint });
  return {
    waferId,
    ...(request.lot ? { lot: request.lot } : {}),
    ...(request.insertion ? { insertion: request.insertion } : {}),
  };
}

function statusOf(key: WaferKey, coverage: Coverage, openConflicts: number): SyncStatus {
  return {
    wafer_id: key.waferId,
    lot: key.lot,
    insertion: key.insertion,
    state: waferState(coverage, openConflicts),
    synced_fabs: [...coverage.synced],
    missing_fabs: coverage.missing.map(({ fab }) => fab),
  };
}

async function firstOf<T>(items: AsyncIterable<T>): Promise<T | null> {
  for await (const item of items) return item;
  return null;
}

async function* mapAsync<In, Out>(
  items: AsyncIterable<In>,
  map: (item: In) => Out | Promise<Out>,
): AsyncGenerator<Awaited<Out>> {
  for await (const item of items) yield await map(item);
}
