import { epoch, fabId, type Origin, sequence } from '../../clocks/dot.ts';
import { WafersyncError } from '../../errors.ts';
import type { ProgramDigest } from '../../wafer/program.ts';
import { openUpdate } from '../../wire/header.ts';
import { fromNumber, toNumber } from '../../wire/long.ts';
import type { Message } from '../../wire/message.ts';
import { fromChains, fromOriginIntervals, toChains, toOriginIntervals } from '../../wire/vectors.ts';
import type { Announcement, ChainQuery, Hello, LaneMessage, PeerStatus, PullRequest } from '../messages.ts';
import type { ReportDelta } from '../report.ts';
import type { Route } from '../routes.ts';
import type { IncomingLaneMessage } from './transport.ts';

type WaferUpdateMessage = Message<'WaferUpdate'>;
type SyncStatusMessage = Message<'SyncStatus'>;

/** Message of the sending side of either lane. */
export function toWaferUpdate(message: LaneMessage): WaferUpdateMessage {
  switch (message.type) {
    case 'update': {
      const { header, headerBytes, payload, digest, stubDigest } = message.update;
      return {
        fab_id: header.dot.fab,
        wafer_id: header.wafer.waferId,
        delta_data: payload,
        version: fromNumber(header.version),
        header: headerBytes,
        digest,
        ...(stubDigest ? { stub_digest: stubDigest } : {}),
      };
    }
    case 'program':
      return { program: { digest: Buffer.from(message.digest, 'hex'), body: message.body } };
    case 'announcement':
      return { announcement: toAnnouncement(message.announcement) };
    case 'pull-end': {
      const { id, unavailable, missingPrograms, chains } = message.end;
      return {
        pull_end: {
          request_id: fromNumber(id),
          unavailable: toOriginIntervals(unavailable),
          missing_programs: missingPrograms.map((digest) => Buffer.from(digest, 'hex')),
          chains: toChains(chains ?? []),
        },
      };
    }
  }
}

/**
 * Lane message of a message. A damaged update becomes `refused`.
 * @throws WafersyncError `invalid` where a session message is malformed
 */
export function fromWaferUpdate(message: WaferUpdateMessage): IncomingLaneMessage {
  if (message.announcement)
    return { type: 'announcement', announcement: fromAnnouncement(message.announcement) };
  if (message.program) {
    const { digest, body } = message.program;
    return { type: 'program', digest: digestOf(digest), body: body ?? new Uint8Array() };
  }
  if (message.pull_end) {
    const { request_id, unavailable, missing_programs, chains } = message.pull_end;
    return {
      type: 'pull-end',
      end: {
        id: toNumber(request_id),
        unavailable: fromOriginIntervals(unavailable),
        missingPrograms: (missing_programs ?? []).map(digestOf),
        ...optional('chains', fromChains(chains)),
      },
    };
  }
  return fromUpdate(message);
}

function fromUpdate(message: WaferUpdateMessage): IncomingLaneMessage {
  try {
    const none = new Uint8Array();
    const stub = message.stub_digest?.length ? message.stub_digest : undefined;
    const { header, delta_data, digest } = message;
    const update = openUpdate(header ?? none, delta_data ?? none, digest ?? none, stub);
    const { dot, wafer } = update.header;
    if (dot.fab !== message.fab_id || wafer.waferId !== message.wafer_id) {
      throw new WafersyncError('damaged', `an update's fab_id or wafer_id is not that of its header`);
    }
    return { type: 'update', update };
  } catch (thrown) {
    return { type: 'refused', error: WafersyncError.from(thrown, 'damaged') };
  }
}

/** Status message between peers. */
export function toSyncStatus(status: PeerStatus, nowUs: number, maxPushBytesPerS = 0): SyncStatusMessage {
  const { hello } = status;
  return {
    peer: {
      hello: hello && {
        protocol: hello.protocol,
        fab_id: hello.node.fab,
        epoch: fromNumber(hello.node.epoch),
        window_updates: hello.window.updates,
        window_bytes: fromNumber(hello.window.bytes),
        max_update_bytes: hello.maxUpdateBytes,
      },
      report: status.report && toReport(status.report),
      acknowledged: fromNumber(status.acknowledged),
      wants: status.wants && { fab_ids: [...status.wants] },
      relayed: status.relayed.map(toReport),
      echo_us: fromNumber(status.echoUs),
      sent_at_us: fromNumber(Math.round(nowUs)),
      max_push_bytes_per_s: fromNumber(maxPushBytesPerS),
    },
  };
}

/** Status between peers of a message. @throws WafersyncError `invalid` where it is none, or malformed */
export function fromSyncStatus(message: SyncStatusMessage): PeerStatus {
  const { peer } = message;
  if (!peer)
    throw new WafersyncError('invalid', 'the peer answered with a status of a wafer, not of the session');
  return {
    hello: peer.hello ? fromHello(peer.hello) : null,
    report: peer.report ? fromReport(peer.report) : null,
    acknowledged: toNumber(peer.acknowledged),
    wants: peer.wants ? (peer.wants.fab_ids ?? []).map(fabId) : null,
    relayed: (peer.relayed ?? []).map(fromReport),
    echoUs: toNumber(peer.echo_us),
    sentAtUs: toNumber(peer.sent_at_us),
    maxPushBytesPerS: toNumber(peer.max_push_bytes_per_s),
  };
}

/** Message of a request for what is missing. */
export function toPullRequest(request: PullRequest): Message<'PullRequest'> {
  return {
    request_id: fromNumber(request.id),
    wanted: toOriginIntervals(request.wanted),
    program_digests: request.programs.map((digest) => Buffer.from(digest, 'hex')),
    max_bytes: fromNumber(request.maxBytes),
    applied: request.applied ? toOriginIntervals(request.applied) : [],
    chains: (request.chains ?? []).map(({ origin, heights }) => ({
      fab_id: origin.fab,
      epoch: fromNumber(origin.epoch),
      heights: heights.map(fromNumber),
    })),
  };
}

/** Request of a message. @throws WafersyncError `invalid` */
export function fromPullRequest(message: Message<'PullRequest'>): PullRequest {
  return {
    id: toNumber(message.request_id),
    wanted: fromOriginIntervals(message.wanted),
    programs: (message.program_digests ?? []).map(digestOf),
    maxBytes: toNumber(message.max_bytes),
    applied: fromOriginIntervals(message.applied),
    ...optional('chains', (message.chains ?? []).map(fromChainQuery)),
  };
}

/** Heights that one query may name. */
const MAX_HEIGHTS = 64;

function fromChainQuery(message: Message<'ChainQuery'>): ChainQuery {
  const heights = (message.heights ?? []).map((height) => sequence(toNumber(height)));
  if (heights.length > MAX_HEIGHTS)
    throw new WafersyncError('invalid', `${heights.length} heights are asked for at once`);
  return { origin: originOf(message), heights };
}

/** A part that is left out where it is empty. */
function optional<K extends string, T>(key: K, list: readonly T[]): { readonly [key in K]?: readonly T[] } {
  return list.length === 0 ? {} : ({ [key]: list } as { [key in K]: readonly T[] });
}

function fromHello(hello: Message<'Hello'>): Hello {
  return {
    protocol: hello.protocol ?? 0,
    node: originOf(hello),
    window: { updates: hello.window_updates ?? 0, bytes: toNumber(hello.window_bytes) },
    maxUpdateBytes: hello.max_update_bytes ?? 0,
  };
}

function toReport(report: ReportDelta): Message<'Report'> {
  return {
    fab_id: report.node.fab,
    epoch: fromNumber(report.node.epoch),
    number: fromNumber(report.number),
    full: report.full,
    received: toOriginIntervals(report.received),
    held: toOriginIntervals(report.held),
    chains: toChains(report.chains ?? []),
  };
}

function fromReport(message: Message<'Report'>): ReportDelta {
  return {
    node: originOf(message),
    number: toNumber(message.number),
    full: message.full ?? false,
    received: fromOriginIntervals(message.received),
    held: fromOriginIntervals(message.held),
    ...optional('chains', fromChains(message.chains)),
  };
}

function toAnnouncement(announcement: Announcement): Message<'Announcement'> {
  const { report, live, routes, relayed, sentAtUs } = announcement;
  return {
    report: report && toReport(report),
    live: live && { fab_ids: [...live] },
    routes: routes && { routes: routes.map(({ fab, path }) => ({ fab_id: fab, path: [...path] })) },
    relayed: relayed.map(toReport),
    sent_at_us: fromNumber(Math.round(sentAtUs)),
  };
}

function fromAnnouncement(message: Message<'Announcement'>): Announcement {
  return {
    report: message.report ? fromReport(message.report) : null,
    live: message.live ? (message.live.fab_ids ?? []).map(fabId) : null,
    routes: message.routes ? (message.routes.routes ?? []).map(fromRoute) : null,
    relayed: (message.relayed ?? []).map(fromReport),
    sentAtUs: toNumber(message.sent_at_us),
  };
}

function fromRoute(message: Message<'Route'>): Route {
  const path = (message.path ?? []).map(fabId);
  const fab = fabId(message.fab_id ?? '');
  if (path.at(-1) !== fab || new Set(path).size !== path.length) {
    throw new WafersyncError('invalid', `the route ${path.join('>')} does not lead to ${fab}`);
  }
  return { fab, path };
}

function originOf(message: { fab_id?: string | null; epoch?: Long | number | null }): Origin {
  return { fab: fabId(message.fab_id ?? ''), epoch: epoch(toNumber(message.epoch)) };
}

function digestOf(bytes: Uint8Array | null | undefined): ProgramDigest {
  if (bytes?.length !== 32) throw new WafersyncError('invalid', 'a program digest is not 32 bytes');
  return Buffer.from(bytes).toString('hex') as ProgramDigest;
}
