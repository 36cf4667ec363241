import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fabId } from '../../src/clocks/dot.ts';
import { TransportVector } from '../../src/clocks/transport-vector.ts';
import { WafersyncError } from '../../src/errors.ts';
import { Mesh } from '../../src/sync/mesh.ts';
import { type Announcement, type PeerStatus, PROTOCOL_VERSION } from '../../src/sync/messages.ts';
import type { ProgramDigest } from '../../src/wafer/program.ts';
import {
  announcementOf,
  greetedLane,
  helloOf,
  LONE,
  loneMesh,
  only,
  originOf,
  reportOf,
  statusOf,
  updateOf,
} from '../support/mesh-messages.ts';
import { dots } from '../support/mesh-replica.ts';

const AZ = fabId('az');
const GONE = new WafersyncError('unavailable', 'the connection was lost');

function hear(mesh: Mesh, status: PeerStatus) {
  return mesh.step({ type: 'outbound-status', lane: 1, status, nowUs: 0 });
}

test('a peer of another protocol version is refused, and the error names both versions', () => {
  const mesh = loneMesh();
  mesh.step({ type: 'outbound-dialled', peer: AZ, lane: 1 });
  const [close] = only(hear(mesh, statusOf({ hello: helloOf('az', { protocol: 7 }) })), 'close');
  assert.equal(close?.lane, 1);
  assert.equal(close.error.code, 'precondition');
  assert.match(close.error.line, /az speaks protocol 7, this node 1.*Bring both nodes/);
});

test('another fab at the address of a peer is refused, and the error says what to correct', () => {
  const mesh = loneMesh();
  mesh.step({ type: 'outbound-dialled', peer: AZ, lane: 1 });
  const [close] = only(hear(mesh, statusOf({ hello: helloOf('kr') })), 'close');
  assert.equal(close?.error.code, 'precondition');
  assert.match(close.error.line, /address of az says that it is kr.*mesh\.peers/);
});

test('a peer that speaks before its hello loses the lane', () => {
  const mesh = loneMesh();
  mesh.step({ type: 'outbound-dialled', peer: AZ, lane: 1 });
  const [close] = only(hear(mesh, statusOf({ acknowledged: 0 })), 'close');
  assert.equal(close?.error.code, 'invalid');
});

test('an acknowledgement of more than was sent closes the lane; so does one that goes back', () => {
  const beyond = loneMesh();
  const lane = greetedLane(beyond);
  const [close] = only(hear(beyond, statusOf({ acknowledged: 1 })), 'close');
  assert.equal(close?.lane, lane);
  assert.match(close.error.message, /az acknowledged 1 updates/);

  const back = loneMesh();
  greetedLane(back);
  const report = { ...reportOf('tw', 1, 2) };
  const added = [1, 2].map((n) => ({ update: updateOf('tw', n), via: 'local' as const }));
  const sent = back.step({ type: 'commit', added, stored: [], report, missingPrograms: [] });
  assert.equal(only(sent, 'send-update').length, 2);
  assert.equal(only(hear(back, statusOf({ acknowledged: 2 })), 'close').length, 0);
  assert.equal(only(hear(back, statusOf({ acknowledged: 1 })), 'close').length, 1);
});

test('the answering side speaks first: hello, what it has, what it wants', () => {
  const mesh = loneMesh();
  const [first] = only(mesh.step({ type: 'inbound-up', peer: AZ, lane: 5 }), 'send-status');
  assert.equal(first?.lane, 5);
  assert.equal(first.status.hello?.node.fab, 'tw');
  assert.equal(first.status.report?.full, true);
  assert.deepEqual(first.status.wants, ['az']);
});

test('a peer that dials again replaces its old lane, whose end then changes nothing', () => {
  const mesh = loneMesh();
  mesh.step({ type: 'inbound-up', peer: AZ, lane: 5 });
  const effects = mesh.step({ type: 'inbound-up', peer: AZ, lane: 6 });
  assert.deepEqual(
    only(effects, 'close').map(({ lane }) => lane),
    [5],
  );
  assert.deepEqual(
    only(effects, 'send-status').map(({ lane }) => lane),
    [6],
  );
  assert.deepEqual(mesh.step({ type: 'inbound-down', lane: 5, error: GONE }), []);
  assert.deepEqual(mesh.step({ type: 'inbound-update', lane: 5, update: updateOf('az', 1) }), []);
  assert.equal(mesh.peers()[0]?.inboundUp, true);
});

test('a peer that sends more than the window loses its lane, by count or by bytes', () => {
  const byCount = loneMesh(['az'], { updates: 2, bytes: 10_000 });
  byCount.step({ type: 'inbound-up', peer: AZ, lane: 5 });
  const counts = [1, 2, 3].map((n) =>
    byCount.step({ type: 'inbound-update', lane: 5, update: updateOf('az', n) }),
  );
  assert.deepEqual(
    counts.map((effects) => only(effects, 'store').length),
    [1, 1, 0],
  );
  assert.equal(only(counts[2]!, 'close')[0]?.error.code, 'exhausted');

  const byBytes = loneMesh(['az'], { updates: 10, bytes: 1_000 });
  byBytes.step({ type: 'inbound-up', peer: AZ, lane: 5 });
  const sizes = [5_000, 1].map((bytes, i) =>
    byBytes.step({ type: 'inbound-update', lane: 5, update: updateOf('az', i + 1, bytes) }),
  );
  assert.deepEqual(
    sizes.map((effects) => only(effects, 'store').length),
    [1, 0],
  );
});

test('an update that came on a catch-up lane without being asked for closes the lane', () => {
  const mesh = loneMesh();
  mesh.step({ type: 'pull-dialled', peer: AZ, lane: 9 });
  const effects = mesh.step({ type: 'pull-update', lane: 9, update: updateOf('az', 1) });
  assert.equal(only(effects, 'store').length, 0);
  assert.match(only(effects, 'close')[0]?.error.message ?? '', /not asked for/);
});

test('an update is acknowledged once it is stored, and not before the ones that came before it', () => {
  const mesh = loneMesh();
  mesh.step({ type: 'inbound-up', peer: AZ, lane: 5 });
  const update = updateOf('az', 1);
  const said = (effects: ReturnType<Mesh['step']>) =>
    only(effects, 'send-status').at(-1)?.status.acknowledged;
  assert.equal(said(mesh.step({ type: 'inbound-update', lane: 5, update })), undefined);
  assert.equal(
    said(mesh.step({ type: 'inbound-refused', lane: 5, error: GONE })),
    0,
    'the first still waits',
  );
  const stored = [{ lane: 5, dot: update.header.dot, bytes: 100 }];
  const report = { ...reportOf('tw', 1, 0), received: dots(originOf('az'), 1, 1) };
  const added = [{ update, via: 'live' as const }];
  assert.equal(said(mesh.step({ type: 'commit', added, stored, report, missingPrograms: [] })), 2);
});

test('a refused update makes the lane say again what it wants, which the peer answers with what it has', () => {
  const mesh = loneMesh();
  mesh.step({ type: 'inbound-up', peer: AZ, lane: 5 });
  const [status] = only(mesh.step({ type: 'inbound-refused', lane: 5, error: GONE }), 'send-status');
  assert.deepEqual(status?.status.wants, ['az']);
  assert.equal(status.status.acknowledged, 1);
});

test('a store that failed ends the lanes that brought the updates, and they are asked for again', () => {
  const mesh = loneMesh();
  greetedLane(mesh, []);
  mesh.step({ type: 'inbound-up', peer: AZ, lane: 5 });
  mesh.step({ type: 'inbound-update', lane: 5, update: updateOf('az', 1) });
  const failed = [{ lane: 5, dot: updateOf('az', 1).header.dot, bytes: 100 }];
  const error = new WafersyncError('exhausted', 'the disk is full');
  assert.deepEqual(
    only(mesh.step({ type: 'store-failed', failed, error }), 'close').map(({ lane }) => lane),
    [5],
  );
  mesh.step({ type: 'inbound-down', lane: 5, error: GONE });
  assert.equal(only(hear(mesh, statusOf({ report: reportOf('az', 1, 1) })), 'dial-pull').length, 1);
});

test('while the disk is full nothing is wanted, asked for or relayed; then all of it again', () => {
  const mesh = loneMesh(['az', 'kr']);
  greetedLane(mesh, []);
  mesh.step({ type: 'inbound-up', peer: AZ, lane: 5 });
  const full = mesh.step({ type: 'storage', full: true });
  assert.deepEqual(
    only(full, 'send-status').map(({ status }) => status.wants),
    [[]],
  );
  assert.deepEqual(
    only(full, 'send-announcement').map(({ announcement }) => announcement.routes?.map(({ fab }) => fab)),
    [['tw']],
  );
  const announcement = announcementOf({ report: reportOf('az', 3, 3) });
  const heard = mesh.step({ type: 'inbound-announcement', lane: 5, announcement });
  assert.deepEqual(only(heard, 'dial-pull'), []);
  assert.equal(mesh.missing().size, 3);
  const room = mesh.step({ type: 'storage', full: false });
  assert.deepEqual(
    only(room, 'send-status').map(({ status }) => status.wants),
    [['az']],
  );
  assert.equal(only(room, 'dial-pull').length, 1);
});

test('a gap is ripe once the live source has announced it, not while it may be on its way', () => {
  const mesh = loneMesh(['az', 'kr']);
  greetedLane(mesh, []);
  mesh.step({ type: 'inbound-up', peer: AZ, lane: 5 });
  const told = hear(mesh, statusOf({ report: reportOf('az', 3, 3) }));
  assert.equal(only(told, 'dial-pull').length, 0, 'az may be pushing it');
  const announcement = announcementOf({ report: reportOf('az', 3, 3) });
  const announced = mesh.step({ type: 'inbound-announcement', lane: 5, announcement });
  assert.deepEqual(
    only(announced, 'dial-pull').map(({ peer }) => peer),
    ['az'],
  );
});

test('a lane that is blocked is told nothing until it is writable, then all in one message', () => {
  const mesh = loneMesh();
  mesh.step({ type: 'inbound-up', peer: AZ, lane: 5 });
  mesh.step({ type: 'inbound-blocked', lane: 5 });
  for (const number of [1, 2, 3]) {
    const report = reportOf('tw', number, number);
    const effects = mesh.step({ type: 'commit', added: [], stored: [], report, missingPrograms: [] });
    assert.equal(only(effects, 'send-status').length, 0);
  }
  const [said, ...more] = only(mesh.step({ type: 'inbound-writable', lane: 5 }), 'send-status');
  assert.equal(said?.status.report?.received.size, 3);
  assert.equal(more.length, 0);
});

test('the wait before a catch-up lane grows with each that failed, until one brought something that was stored', () => {
  const mesh = loneMesh();
  greetedLane(mesh, []);
  const waits = (effects: ReturnType<Mesh['step']>) =>
    only(effects, 'dial-pull').map(({ afterMs }) => afterMs);
  const down = (lane: number) => waits(mesh.step({ type: 'pull-down', lane, error: GONE }));
  assert.deepEqual(waits(hear(mesh, statusOf({ report: reportOf('az', 3, 3) }))), [0]);
  mesh.step({ type: 'pull-dialled', peer: AZ, lane: 9 });
  assert.deepEqual(down(9), [100]);
  mesh.step({ type: 'pull-dialled', peer: AZ, lane: 10 });
  assert.deepEqual(down(10), [200]);
  const [asked] = only(mesh.step({ type: 'pull-dialled', peer: AZ, lane: 11 }), 'send-pull');
  assert.equal(asked?.request.wanted.size, 3);
  const update = updateOf('az', 3);
  assert.equal(only(mesh.step({ type: 'pull-update', lane: 11, update }), 'store').length, 1);
  const stored = [{ lane: 11, dot: update.header.dot, bytes: 100 }];
  const report = { ...reportOf('tw', 1, 0), received: dots(originOf('az'), 3, 3) };
  const added = [{ update, via: 'pull' as const }];
  mesh.step({ type: 'commit', added, stored, report, missingPrograms: [] });
  assert.deepEqual(down(11), [100]);
});

test('a program that came and was not stored is asked for again', () => {
  const mesh = loneMesh();
  greetedLane(mesh, []);
  const program = 'ab'.repeat(32) as ProgramDigest;
  const commit = () => {
    const report = reportOf('tw', 1, 0);
    return mesh.step({ type: 'commit', added: [], stored: [], report, missingPrograms: [program] });
  };
  assert.equal(only(commit(), 'dial-pull').length, 1);
  const [asked] = only(mesh.step({ type: 'pull-dialled', peer: AZ, lane: 9 }), 'send-pull');
  assert.deepEqual(asked?.request.programs, [program]);
  const end = { id: asked.request.id, unavailable: TransportVector.empty, missingPrograms: [] };
  assert.deepEqual(mesh.step({ type: 'pull-end', lane: 9, end }), []);
  assert.deepEqual(
    only(commit(), 'send-pull').map(({ request }) => request.programs),
    [[program]],
  );
});

test('what is kept of an earlier life of its own database is not another node to a node', () => {
  const options = { ...LONE, known: [reportOf('tw', 9, 9), reportOf('az', 1, 2)] };
  assert.deepEqual(
    new Mesh(options).reports().map(({ node }) => node.fab),
    ['az'],
  );
});

test('what a peer announces of another fab is not taken for its own', () => {
  const mesh = loneMesh(['az', 'kr']);
  greetedLane(mesh, []);
  mesh.step({ type: 'inbound-up', peer: AZ, lane: 5 });
  const routes = [{ fab: fabId('kr'), path: [AZ, fabId('kr')] }];
  const announced = (announcement: Announcement) =>
    only(mesh.step({ type: 'inbound-announcement', lane: 5, announcement }), 'dial-pull').length;
  announced(announcementOf({ routes }));
  const ofKr = dots(originOf('kr'), 1, 3);
  const told = hear(mesh, statusOf({ report: { ...reportOf('az', 3, 0), received: ofKr } }));
  assert.equal(only(told, 'dial-pull').length, 0, 'it comes live through az');
  assert.equal(
    announced(announcementOf({ report: reportOf('kr', 3, 3) })),
    0,
    'kr has it, az did not say so',
  );
  assert.equal(announced(announcementOf({ report: { ...reportOf('az', 4, 0), received: ofKr } })), 1);
});

test('a peer that dials is dialled at once, unless it was refused last time', () => {
  const mesh = loneMesh();
  const dials = (lane: number, protocol: number) => {
    mesh.step({ type: 'outbound-dialled', peer: AZ, lane });
    const hello = helloOf('az', { protocol });
    mesh.step({ type: 'outbound-status', lane, status: statusOf({ hello }), nowUs: 0 });
    mesh.step({ type: 'outbound-down', lane, error: GONE });
    const effects = mesh.step({ type: 'inbound-up', peer: AZ, lane: 100 + lane });
    return only(effects, 'dial-outbound').map(({ afterMs }) => afterMs);
  };
  assert.deepEqual(dials(1, PROTOCOL_VERSION), [0]);
  assert.deepEqual(dials(2, 7), []);
  assert.deepEqual(dials(3, PROTOCOL_VERSION), [0]);
});

test('a catch-up lane is dialled once, however many gaps are heard of meanwhile', () => {
  const mesh = loneMesh();
  greetedLane(mesh, []);
  const dials = [1, 2, 3].map(
    (n) => only(hear(mesh, statusOf({ report: reportOf('az', n, n) })), 'dial-pull').length,
  );
  assert.deepEqual(dials, [1, 0, 0]);
});
