import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Finding } from '../../src/cli/doctor/finding.ts';
import { portRange } from '../../src/cli/doctor/port-range.ts';
import { type PartialConfig, renderConfig } from '../../src/config/render.ts';
import { realWorld } from '../../src/world.ts';
import { command } from '../support/command.ts';
import { freePorts } from '../support/free-ports.ts';
import { type LocalNode, startNodes } from '../support/local-nodes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** What doctor finds, by check; and its exit code. */
async function examined(configFile: string) {
  const { code, stdout, stderr } = await command('doctor', '--config', configFile, '--json');
  const findings = JSON.parse(stdout || '[]') as Finding[];
  assert.notEqual(findings.length, 0, stderr);
  return { code, of: new Map(findings.map((finding) => [finding.check, finding])) };
}

/** A configuration of a node that does not run. */
function configured(t: TestContext, config: Omit<PartialConfig, 'data_dir'>): string {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'data'));
  const file = join(folder, 'wafersync.yaml');
  writeFileSync(file, renderConfig({ data_dir: 'data', ...config }));
  return file;
}

test('two nodes that run are in order, and a peer that is not counted as a member is told', async (t) => {
  const [tw, az] = (await startNodes(t, ['tw', 'az'])) as [LocalNode, LocalNode];
  const { code, of } = await examined(tw.configFile);
  const fine = ['config', 'folder', 'database', 'port', 'node', 'certificates', 'peer az', 'clock'];
  assert.deepEqual(
    fine.map((check) => `${check} ${of.get(check)?.state}`),
    fine.map((check) => `${check} ok`),
  );
  assert.match(of.get('database')!.says, /is tw's, of schema version \d+: 0 results in 0 updates/);
  assert.equal(code, 0);

  const stranger = configured(t, {
    fab: 'kr',
    listen: { port: (await freePorts(1))[0]! },
    mesh: { members: ['kr', 'az'], peers: [{ fab: 'az', address: az.address }] },
  });
  const found = (await examined(stranger)).of;
  assert.match(found.get('peer az')!.remedy, /wafersync fab add kr/);
  assert.equal(found.get('node')!.state, 'skipped');
});

test('what stands in the way is told with the remedy, and ends with 1', async (t) => {
  const [tw] = (await startNodes(t, ['tw'])) as [LocalNode];
  const taken = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  t.after(() => taken.close());
  await new Promise((resolve) => taken.once('listening', resolve));
  const { port } = taken.address() as { port: number };
  const file = configured(t, {
    fab: 'az',
    listen: { port },
    mesh: {
      members: ['az', 'tw', 'de'],
      peers: [
        { fab: 'de', address: tw.address },
        { fab: 'tw', address: `127.0.0.1:${(await freePorts(1))[0]}` },
      ],
    },
  });
  const { code, of } = await examined(file);
  assert.equal(code, 1);
  assert.equal(of.get('port')!.state, 'fail');
  assert.match(of.get('port')!.says, new RegExp(`port ${port} on 127.0.0.1 is taken`));
  assert.deepEqual([of.get('peer de')!.state, of.get('peer tw')!.state], ['fail', 'warn']);
  assert.match(of.get('peer de')!.says, /answers tw$/);
  assert.match(of.get('peer tw')!.says, /no node answers/);

  const { stdout } = await command('doctor', '--config', file);
  assert.match(stdout, /^FAIL +peer de/m);
  assert.match(stdout, /^peer de: Correct the addresses under mesh\.peers\.$/m);
});

test("another fab's database, a node of another fab at the port, and a wrong configuration are told", async (t) => {
  const [tw] = (await startNodes(t, ['tw'])) as [LocalNode];
  const folder = temporaryFolder(t);
  const file = join(folder, 'az.yaml');
  const port = Number(tw.address.split(':')[1]);
  writeFileSync(file, renderConfig({ fab: 'az', data_dir: tw.dataFolder, listen: { port } }));
  const { code, of } = await examined(file);
  assert.equal(code, 1);
  assert.match(of.get('database')!.says, /belongs to fab tw, not az/);
  assert.match(of.get('port')!.says, /the node of tw listens on/);

  writeFileSync(file, 'fab: AZ\n');
  const wrong = await examined(file);
  assert.deepEqual([wrong.code, [...wrong.of.keys()]], [1, ['config']]);
});

test('each mistake of a configuration is a finding with its remedy, and a line', async (t) => {
  const file = join(temporaryFolder(t), 'az.yaml');
  writeFileSync(file, 'fab: AZ\nlisten: { prot: 1 }\nlog: { level: loud }\n');
  const { code, stdout } = await command('doctor', '--config', file, '--json');
  assert.equal(code, 1);
  const findings = JSON.parse(stdout) as Finding[];
  assert.deepEqual(
    findings.map(({ check, state, says }) => [check, state, says.replace(`${file}:`, '').split(' ')[1]]),
    ['fab', 'data_dir', 'listen.prot', 'log.level'].map((key) => ['config', 'fail', key]),
  );
  for (const { remedy } of findings) assert.match(remedy, /^[A-Z].*[.?]$/);
  assert.equal(findings[2]!.remedy, 'Did you mean listen.port?');

  const text = (await command('doctor', '--config', file)).stdout.trimEnd().split('\n');
  const column = text[0]!.indexOf('FOUND');
  assert.deepEqual(
    text.slice(1),
    findings.map(({ says, remedy }, i) =>
      `${(i === 0 ? 'FAIL  config' : '').padEnd(column)}${says}. ${remedy}`.trimEnd(),
    ),
  );

  writeFileSync(file, 'fab: [az\nlog: {level: info\n');
  const broken = JSON.parse((await command('doctor', '--config', file, '--json')).stdout) as Finding[];
  assert.ok(broken.length > 1);
  for (const { says, remedy } of broken)
    assert.match(`${says}|${remedy}`, /az\.yaml:\d+:\d+: this is not YAML: .*[^.]\|Put it right\.$/);
});

test('a folder that cannot be made is told, by trying it in the nearest one that is there', async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'az.yaml');
  const port = (await freePorts(1))[0]!;
  // Root may write by the rights of any folder, but nobody makes one in /proc or below a file.
  for (const [place, found] of [
    ['/proc/wafersync/az', /^\/proc\/wafersync\/az cannot be made in \/proc by this user \(E[A-Z]+\)$/],
    [join(file, 'data'), /az\.yaml by this user \(ENOTDIR\)$/],
  ] as const) {
    writeFileSync(file, renderConfig({ fab: 'az', data_dir: place, listen: { port } }));
    const { code, of } = await examined(file);
    assert.deepEqual([code, of.get('folder')!.state], [1, 'fail'], place);
    assert.match(of.get('folder')!.says, found);
  }
  writeFileSync(file, renderConfig({ fab: 'az', data_dir: 'deep/er', listen: { port } }));
  const { code, of } = await examined(file);
  assert.deepEqual(
    [code, of.get('folder')!.says],
    [0, `${join(folder, 'deep/er')} is made at the first start`],
  );
  assert.deepEqual(readdirSync(folder), ['az.yaml']);
});

test('ports that the system may give away are told with the line that reserves them', () => {
  const ports = [9464, 50051, 50061, 50062];
  const { state, says, remedy } = portRange(ports, '32768\t60999\n', '8080,50062-50070\n');
  assert.equal(state, 'warn');
  assert.match(says, /^the system gives ports 32768 to 60999 .* may find 50051, 50061 taken$/);
  assert.match(remedy, /sysctl net\.ipv4\.ip_local_reserved_ports=8080,50062-50070,50051,50061,/);
  assert.equal(portRange(ports, '32768 60999', '50051,50060-50062').state, 'ok');
  assert.equal(portRange(ports, '51000 60999', '').state, 'ok');
});

test('a clock that is off by more than edits may be is told', async (t) => {
  const world = { ...realWorld, nowMs: () => realWorld.nowMs() + 3_600_000 };
  const [tw] = (await startNodes(t, ['tw'], { world })) as [LocalNode];
  const file = configured(t, {
    fab: 'az',
    listen: { port: (await freePorts(1))[0]! },
    mesh: { members: ['az', 'tw'], peers: [{ fab: 'tw', address: tw.address }] },
  });
  const { code, of } = await examined(file);
  assert.equal(of.get('clock')!.state, 'fail');
  assert.match(of.get('clock')!.says, /^that of tw is (1 h 0 min|59 min 59 s) ahead of this one/);
  assert.equal(code, 1);
});
