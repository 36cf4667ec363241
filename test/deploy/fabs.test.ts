import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openLink } from '../../src/cli/demo/link.ts';
import { portRange, portsHere } from '../../src/cli/doctor/port-range.ts';
import { FABS, fabFile, tunnelEnd } from '../../src/config/fabs.ts';
import { configKeys } from '../../src/config/keys.ts';
import { loadConfig } from '../../src/config/load.ts';
import { parseSource } from '../../src/config/source.ts';
import { demoLot } from '../../src/generator/demo-lot.ts';
import { silentLog } from '../../src/log.ts';
import { startNode } from '../../src/node.ts';
import { realWorld } from '../../src/world.ts';
import { freePorts } from '../support/free-ports.ts';
import { importFile } from '../support/run-client.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const DEPLOY = fileURLToPath(new URL('../../deploy/', import.meta.url));
const LOOPBACK = /^127\.0\.0\.1:\d+$/;

const pathOf = (fab: string) => join(DEPLOY, `${fab}.yaml`);
const textOf = (fab: string) => readFileSync(pathOf(fab), 'utf8');
const configs = FABS.map(({ fab }) => loadConfig(pathOf(fab), {}));

test('the files of the five fabs are what the schema says; `npm run document` writes them', () => {
  for (const fab of FABS) assert.equal(textOf(fab.fab), fabFile(fab), fab.fab);
  const files = readdirSync(DEPLOY).filter((name) => name.endsWith('.yaml') && !name.includes('example'));
  assert.deepEqual(files, FABS.map(({ fab }) => `${fab}.yaml`).sort());
});

test('each has every key under a comment, and is of its own fab', () => {
  for (const [i, { fab, timeZone }] of FABS.entries()) {
    const lines = textOf(fab).split('\n');
    const source = parseSource(fab, textOf(fab));
    for (const { name, path } of configKeys.filter((key) => !key.name.includes('[]'))) {
      const line = source.lineOf(path);
      assert.match(lines[line - 1]!, new RegExp(`^ *${path.at(-1)}:`), `${fab}: ${name}`);
      assert.match(lines[line - 2]!, /^ *# /, `${fab}: ${name} has a comment`);
    }
    assert.deepEqual([configs[i]!.fab, configs[i]!.timeZone], [fab, timeZone]);
  }
});

test('all agree on the members, in one order, and on everything else that is not a place', () => {
  const [first, ...others] = configs;
  assert.deepEqual(
    first!.mesh.members,
    FABS.map(({ fab }) => fab),
  );
  const shared = ({ fab: _, timeZone: __, mesh: { members }, ...rest }: typeof first & object) => ({
    members,
    ...rest,
  });
  for (const other of others) assert.deepEqual(shared(other), shared(first!), other.fab);
});

test('what is installed for sysctl reserves every port of the files, so that doctor is quiet', () => {
  const text = readFileSync(join(DEPLOY, '90-wafersync.conf'), 'utf8');
  const [, reserved] = /^net\.ipv4\.ip_local_reserved_ports = (\S+)$/m.exec(text) ?? [];
  for (const config of configs) {
    const ports = portsHere(config);
    assert.equal(ports.length, FABS.length + 1, 'the node, its metrics, and four tunnels');
    assert.equal(portRange(ports, '1024 65535', reserved ?? '').state, 'ok', config.fab);
  }
  const page = readFileSync(join(DEPLOY, '..', 'docs', 'OPERATIONS.md'), 'utf8');
  const accepted = [...page.matchAll(/^accept = (\d+)$/gm)].map(([, port]) => Number(port));
  assert.deepEqual([accepted.length, portRange(accepted, '1024 65535', reserved ?? '').state], [1, 'ok']);
});

test('whoever knows a peer is known by it, and every fab knows all others', () => {
  const known = new Set(configs.flatMap(({ fab, mesh }) => mesh.peers.map((peer) => `${fab}>${peer.fab}`)));
  for (const way of known) assert.ok(known.has(way.split('>').reverse().join('>')), way);
  assert.equal(known.size, FABS.length * (FABS.length - 1));
});

test('a tunnel begins at one address of loopback for each fab, which no node listens on', () => {
  const ends = new Map(FABS.map((fab) => [fab.fab, tunnelEnd(fab)]));
  const listens = configs.map(({ listen }) => `${listen.host}:${listen.port}`);
  for (const { fab, mesh } of configs) {
    for (const peer of mesh.peers) assert.equal(peer.address, ends.get(peer.fab), `${fab} to ${peer.fab}`);
  }
  for (const address of [...ends.values(), ...listens]) assert.match(address, LOOPBACK);
  assert.equal(new Set([...ends.values(), ...listens]).size, FABS.length + 1, 'one port for all nodes');
});

test('the head of each file tells the ends of the tunnels, and what they lead to', () => {
  for (const [i, { fab }] of FABS.entries()) {
    const head = textOf(fab).split('\n\n')[0]!;
    for (const other of FABS)
      assert.ok(head.includes(`#   ${other.fab}  ${tunnelEnd(other)}  ${other.place}\n`));
    const { host, port } = configs[i]!.listen;
    assert.ok(head.includes(`hands everything on to ${host}:${port}.`));
  }
});

/** Starts the five from their files: other ports and folders, and a forwarder of TCP in place of each tunnel. */
async function startFive(t: TestContext): Promise<string[]> {
  const folder = temporaryFolder(t);
  const free = await freePorts(2 * FABS.length);
  const [ports, metricsPorts] = [free.slice(0, FABS.length), free.slice(FABS.length)];
  const tunnels = await Promise.all(ports.map(openLink));
  t.after(() => Promise.all(tunnels.map((tunnel) => tunnel.close())));
  for (const [i, { fab }] of FABS.entries()) {
    let text = textOf(fab)
      .replace('port: 50051', `port: ${ports[i]}`)
      .replace('port: 9464', `port: ${metricsPorts[i]}`)
      .replace('/var/lib/wafersync', 'data');
    for (const [j, peer] of FABS.entries()) text = text.replaceAll(tunnelEnd(peer), tunnels[j]!.address);
    const file = join(folder, fab, 'wafersync.yaml');
    mkdirSync(join(folder, fab));
    writeFileSync(file, text);
    const node = await startNode(loadConfig(file, {}), { world: realWorld, log: silentLog, version: 'test' });
    t.after(() => node.stop());
  }
  return ports.map((port) => `127.0.0.1:${port}`);
}

test('five nodes with these files, and a forwarder for each tunnel, are in step', async (t) => {
  const [tw] = await startFive(t);
  const lot = demoLot({ number: 1, wafers: 1 });
  const members = FABS.map(({ fab }) => fab);
  const { syncedFabs } = await importFile(tw!, lot.fileName, lot.stdf, members);
  assert.deepEqual([...syncedFabs].sort(), [...members].sort());
});
