import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer as createTcpServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { serverStream } from '../../src/api/call.ts';
import { makeClient } from '../../src/api/client.ts';
import { createServer } from '../../src/api/server.ts';
import { size } from '../../src/cli/output.ts';
import { loadConfig } from '../../src/config/load.ts';
import { renderConfig } from '../../src/config/render.ts';
import { demoLot } from '../../src/generator/demo-lot.ts';
import { silentLog } from '../../src/log.ts';
import { startNode } from '../../src/node.ts';
import { fromNumber } from '../../src/wire/long.ts';
import type { Message } from '../../src/wire/message.ts';
import { backupService } from '../../src/wire/services.ts';
import { realWorld } from '../../src/world.ts';
import { command, commandAt, ENVIRONMENT, MAIN, wafersync } from '../support/command.ts';
import { freePorts } from '../support/free-ports.ts';
import { closing } from '../support/grpc-client.ts';
import { type LocalNode, startNodes } from '../support/local-nodes.ts';
import { hasResults, keptAt } from '../support/node-results.ts';
import { importFile } from '../support/run-client.ts';
import { withSmallDisk } from '../support/small-disk.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const FABS = ['tw', 'az'];
/** What does not come never does: the tests must not wait for ever. */
const BOUNDED = { timeout: 290_000 };

/** What a command prints as JSON. */
async function json(...args: string[]) {
  const { code, stdout, stderr } = await command(...args, '--json');
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

async function refused(...args: string[]): Promise<string> {
  const { code, stderr } = await command(...args);
  assert.equal(code, 1, args.join(' '));
  return stderr.trimEnd();
}

async function imported(node: LocalNode, number: number, wait: readonly string[]) {
  const lot = demoLot({ number, wafers: 1 });
  await importFile(node.address, lot.fileName, lot.stdf, wait);
  return lot;
}

/** Two fabs with a lot each, and a backup of tw that has both. */
async function scene(t: TestContext) {
  const [tw, az] = (await startNodes(t, FABS)) as [LocalNode, LocalNode];
  const lots = [await imported(tw, 1, FABS), await imported(az, 2, FABS)];
  const file = join(temporaryFolder(t), 'tw.backup');
  const made = await json('backup', file, '--node', tw.address);
  return { tw, az, file, made, results: lots.reduce((sum, lot) => sum + lot.results, 0) };
}

/** Starts a node again on what is in its folder. */
async function startAgain(t: TestContext, { configFile }: LocalNode) {
  const node = await startNode(loadConfig(configFile, {}), {
    world: realWorld,
    log: silentLog,
    version: 'test',
  });
  t.after(() => node.stop());
  return node;
}

test('a backup is one file that says what it is; nothing else stays at either side', async (t) => {
  const { tw, file, made, results } = await scene(t);
  const bytes = readFileSync(file);
  const { epoch, updates } = await json('status', '--node', tw.address);
  assert.equal(made.sha256, createHash('sha256').update(bytes).digest('hex'));
  assert.deepEqual(
    [made.fab_id, made.epoch, made.updates, made.results, made.version],
    ['tw', epoch, updates, results, 'test'],
  );
  assert.deepEqual(
    made.peers.map(({ fab_id }: { fab_id: string }) => fab_id),
    ['az'],
  );
  const told = await json('restore', file, '--dry-run');
  const { sha256: _, file: named, ...rest } = made;
  assert.deepEqual([told, named], [{ backup: rest }, file]);
  const { stdout } = await command('restore', file, '--dry-run');
  assert.match(
    stdout,
    /^fab tw, epoch \d+-[0-9a-f]{10}, made 20\S+ \S+ UTC by wafersync test: [\d,]+ results in \d+ updates, a database of [\d,]+ bytes\n$/,
  );
  assert.deepEqual(readdirSync(join(tw.dataFolder, 'spool')), []);
  assert.deepEqual(readdirSync(join(file, '..')), ['tw.backup']);
  const text = await command('backup', `${file}.2`, '--node', tw.address);
  assert.match(text.stdout, /^.*tw\.backup\.2 is whole and checked\nfab tw, .*\nSHA-256 [0-9a-f]{64}\n$/);
});

test('a restore tells what comes again, then does it: another epoch, and nothing is missing', async (t) => {
  const { tw, az, file, made, results } = await scene(t);
  const later = await imported(tw, 3, FABS);
  const config = ['--config', tw.configFile];
  const running = await json('restore', file, ...config, '--dry-run');
  assert.deepEqual([running.present.state, running.lost_updates, running.doubts], ['read', 0, []]);
  assert.match(
    await refused('restore', file, ...config),
    /^wafersync: database .*wafersync\.db is open in process \d+\. Stop that process/,
  );
  await tw.stop();
  const seen = await json('restore', file, ...config, '--dry-run');
  const kept = await keptAt(az.address);
  assert.equal(seen.fetched_updates, kept.updates - made.updates);
  assert.deepEqual(
    seen.peers.map(({ fab_id, updates, error }: Record<string, unknown>) => [fab_id, updates, error]),
    [['az', kept.updates, '']],
  );
  const { code, stdout, stderr } = await command('restore', file, ...config);
  assert.deepEqual([code, stderr], [0, '']);
  assert.match(
    stdout,
    new RegExp(
      `^the backup: fab tw, .*\nthe present database: epoch ${made.epoch}, ${kept.updates} updates\n${seen.fetched_updates} updates? that the backup lacks comes? again from other fabs\nnothing would be lost: what the present database has, the backup or another fab has too\n\nBORN AT +IN THE BACKUP +COME AGAIN +LOST\naz +\\d+ +0 +0\ntw +\\d+ +${seen.fetched_updates} +0\nrestored to .*wafersync.db\nThe database that was there is kept as (.*wafersync\\.db\\.replaced-\\S+)\nStart the node: it begins another epoch`,
    ),
  );
  const node = await startAgain(t, tw);
  await hasResults({ ...tw, ...node, address: tw.address }, results + later.results);
  const { epoch, renewal } = await json('status', '--node', tw.address);
  assert.notEqual(epoch, made.epoch);
  assert.deepEqual(
    [renewal.reason, renewal.from_epoch, renewal.missing_own_updates],
    ['restored', made.epoch, 0],
  );
  const status = await command('status', '--node', tw.address);
  assert.match(
    status.stdout,
    new RegExp(
      `^ANOTHER EPOCH since 20\\S+ \\S+ UTC \\(restored\\), before it was ${made.epoch}: nothing of its own that others have is missing$`,
      'm',
    ),
  );
  assert.equal((await json('status', '--node', az.address)).renewal, null);
});

test('what only the present database has is not replaced unasked, and is kept where it is', async (t) => {
  const { tw, az, file } = await scene(t);
  await az.stop();
  const lost = await imported(tw, 3, ['tw']);
  await tw.stop();
  const config = ['--config', tw.configFile];
  const seen = await json('restore', file, ...config, '--dry-run');
  assert.ok(seen.lost_updates > 0 && lost.results > 0);
  assert.deepEqual(seen.doubts, [
    `${seen.lost_updates} updates of the present database are nowhere else (az could not be asked)`,
  ]);
  const text = await command('restore', file, ...config);
  assert.equal(text.code, 1);
  assert.match(
    text.stdout,
    /^az COULD NOT BE ASKED: no node answers at 127\.0\.0\.1:\d+ \(connection refused\)\./m,
  );
  assert.match(
    text.stdout,
    /^\d+ UPDATES WOULD BE LOST: only the present database has them \(tw\.\S+:\S+\)$/m,
  );
  assert.match(
    text.stderr,
    /^wafersync: nothing was restored: \d+ updates of the present database are nowhere else \(az could not be asked\)\. If the present database can still be opened, start its node until .* Else say --yes: the present database is kept aside\.\n$/,
  );
  assert.equal(readdirSync(tw.dataFolder).filter((name) => name.includes('re')).length, 0);
  const done = await json('restore', file, ...config, '--yes');
  assert.ok(done.restored && existsSync(done.replaced));
  // The database that was kept has it still: put back in place, it goes on.
  rmSync(join(tw.dataFolder, 'wafersync.db'));
  writeFileSync(join(tw.dataFolder, 'wafersync.db'), readFileSync(done.replaced));
  const node = await startAgain(t, tw);
  await hasResults({ ...tw, ...node, address: tw.address }, seen.backup.results + lost.results);
});

test('at a terminal a person is asked, and has to type the fab; nobody else is', async (t) => {
  const { tw, az, file } = await scene(t);
  await az.stop();
  await imported(tw, 3, ['tw']);
  await tw.stop();
  const asked: string[] = [];
  const answering = (answer: string | null) => ({
    ask: async (question: string) => {
      asked.push(question);
      return answer;
    },
  });
  const args = ['restore', file, '--config', tw.configFile];
  for (const answer of ['', 'y', 'yes', 'TW', 'az', null]) {
    const { code, stdout, stderr } = await commandAt(answering(answer), ...args);
    assert.deepEqual([code, stdout.includes('restored to')], [1, false], String(answer));
    assert.match(
      stdout,
      /\n\n\d+ updates of the present database are nowhere else \(az could not be asked\)\n$/,
    );
    assert.match(
      stderr,
      /^wafersync: nothing was restored: \d+ updates of the present database are nowhere else/,
    );
  }
  assert.equal(asked.length, 6);
  assert.equal(asked[0], 'Type tw to restore nevertheless, anything else to stop: ');
  // A program that reads JSON is not asked, nor one that only looks.
  assert.equal((await commandAt(answering('tw'), ...args, '--json')).code, 1);
  assert.equal((await commandAt(answering('tw'), ...args, '--dry-run')).code, 0);
  assert.equal(asked.length, 6);
  const done = await commandAt(answering('tw'), ...args);
  assert.equal(done.code, 0, done.stderr);
  assert.match(done.stdout, /UPDATES WOULD BE LOST[\s\S]*^restored to /m);
});

test('at a terminal a database is not replaced unasked where nothing would be lost either', async (t) => {
  const { tw, file } = await scene(t);
  await tw.stop();
  const asked: string[] = [];
  const answering = (answer: string | null) => ({
    ask: async (question: string) => {
      asked.push(question);
      return answer;
    },
  });
  const database = join(tw.dataFolder, 'wafersync.db');
  const replaced = () => readdirSync(tw.dataFolder).filter((name) => name.includes('.replaced-'));
  const args = ['restore', file, '--config', tw.configFile];
  for (const answer of ['', 'y', 'az', null]) {
    const { code, stdout, stderr } = await commandAt(answering(answer), ...args);
    assert.equal(code, 1, String(answer));
    assert.match(stdout, /^nothing would be lost: /m);
    assert.match(
      stderr,
      /^wafersync: nothing was restored: the present database was not to be replaced\. If it is sound, its node needs no restore: /,
    );
  }
  assert.deepEqual(replaced(), []);
  assert.equal(asked[0], '\nType tw to replace the present database, anything else to stop: ');
  const first = await commandAt(answering('tw'), ...args);
  assert.deepEqual([first.code, asked.length, replaced().length], [0, 5, 1]);
  assert.ok(!first.stdout.includes('databases that restores replaced'), 'one is told already');

  // Who says --yes is not asked, nor is a program; without a database there is nothing to ask about.
  const second = await commandAt(answering(null), ...args, '--yes');
  const bytes = replaced().reduce((sum, name) => sum + statSync(join(tw.dataFolder, name)).size, 0);
  assert.ok(
    second.stdout.includes(
      `\n2 databases that restores replaced are in ${tw.dataFolder}, as wafersync.db.replaced-*, with ${size(bytes)}: delete those that nobody misses\n`,
    ),
    second.stdout,
  );
  const { replaced_databases: told } = JSON.parse(
    (await commandAt(answering(null), ...args, '--json')).stdout,
  );
  assert.deepEqual(
    told,
    replaced()
      .sort()
      .map((name) => ({
        file: join(tw.dataFolder, name),
        bytes: statSync(join(tw.dataFolder, name)).size,
      })),
  );
  rmSync(database);
  assert.equal((await commandAt(answering(null), ...args)).code, 0);
  assert.equal(asked.length, 5);
});

/** Runs `wafersync` at a pseudo-terminal, and types an answer once it is asked for. */
async function atTerminal(t: TestContext, answer: string, args: readonly string[]) {
  const line = [process.execPath, MAIN, ...args].map((word) => `'${word}'`).join(' ');
  const child = spawn('script', ['-qec', line, '/dev/null'], { env: ENVIRONMENT });
  t.after(() => child.kill('SIGKILL'));
  let screen = '';
  let isAsked = false;
  child.stdout.on('data', (chunk: Buffer) => {
    screen += chunk;
    if (isAsked || !screen.includes('to stop: ')) return;
    isAsked = true;
    child.stdin.write(answer);
  });
  const [code] = await once(child, 'close');
  return { code, screen };
}

test('a person at a real terminal is asked; Ctrl-C and Ctrl-D stop it', BOUNDED, async (t) => {
  if (spawnSync('script', ['--version']).status !== 0) return t.skip('script of util-linux is not here');
  const { tw, az, file } = await scene(t);
  await az.stop();
  await imported(tw, 3, ['tw']);
  await tw.stop();
  const args = ['restore', file, '--config', tw.configFile];
  for (const answer of ['az\r', '\u0003', '\u0004']) {
    const { code, screen } = await atTerminal(t, answer, args);
    assert.equal(code, 1, screen);
    assert.match(screen, /^wafersync: nothing was restored: /m);
  }
  const { code, screen } = await atTerminal(t, 'tw\r', args);
  assert.equal(code, 0, screen);
  assert.match(screen, /^restored to /m);
});

test('a present database that cannot be read, and one that is gone while a fab is away, want --yes', async (t) => {
  const { tw, az, file } = await scene(t);
  await tw.stop();
  const database = join(tw.dataFolder, 'wafersync.db');
  const config = ['--config', tw.configFile];
  writeFileSync(database, 'torn');
  assert.match(
    await refused('restore', file, ...config),
    /^wafersync: nothing was restored: the present database cannot be read, so that what it alone has cannot be told\. /,
  );
  const text = await command('restore', file, ...config, '--dry-run');
  assert.match(text.stdout, /^the present database: it CANNOT BE READ: database \S+ has only 4 bytes/m);
  rmSync(database);
  const gone = await command('restore', file, ...config, '--dry-run');
  assert.match(
    gone.stdout,
    /^the present database: there is none\n0 updates that the backup lacks come again from other fabs\nwhat had reached no other fab since the backup was made is gone$/m,
  );
  assert.deepEqual((await json('restore', file, ...config, '--dry-run')).doubts, []);
  await az.stop();
  assert.match(
    await refused('restore', file, ...config),
    /^wafersync: nothing was restored: az could not be asked, so that what comes back cannot be told\. /,
  );
  const { restored, replaced } = await json('restore', file, ...config, '--yes');
  assert.deepEqual([restored, replaced], [true, '']);
});

test('a fab that answers under another name, or takes the connection and says nothing, is named', async (t) => {
  const { tw, az, file } = await scene(t);
  const sockets: Socket[] = [];
  const silent = createTcpServer((socket) => sockets.push(socket.resume())).listen(0, '127.0.0.1');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    silent.close();
  });
  await new Promise((resolve) => silent.once('listening', resolve));
  const { port } = silent.address() as { port: number };
  const configFile = join(temporaryFolder(t), 'tw.yaml');
  const peers = [
    { fab: 'az', address: `127.0.0.1:${port}` },
    { fab: 'de', address: az.address },
  ];
  writeFileSync(
    configFile,
    renderConfig({ fab: 'tw', data_dir: tw.dataFolder, mesh: { members: ['tw', 'az', 'de'], peers } }),
  );
  const seen = await json('restore', file, '--config', configFile, '--dry-run');
  assert.deepEqual(
    seen.peers.map(({ fab_id, error }: Record<string, unknown>) => [fab_id, error]),
    [
      ['az', 'no answer in 5 s'],
      ['de', 'fab az answers there. Correct mesh.peers.'],
    ],
  );
  const asProcess = await wafersync('restore', file, '--config', configFile, '--dry-run');
  assert.equal(asProcess.code, 0, 'it ends, though the connection stays');
});

test('restore says what is wrong with its arguments', async (t) => {
  const { tw, az, file } = await scene(t);
  assert.equal(
    await refused('restore', file),
    'wafersync: no --config says which node the backup is for. Say --config FILE; with --dry-run alone, the backup says what it is.',
  );
  assert.match(
    await refused('restore', file, '--config', az.configFile),
    /^wafersync: \S+ is a backup of fab tw, not of az\. Take one of az, or name the configuration of tw\.$/,
  );
  assert.match(
    await refused('restore', `${file}.no`, '--dry-run'),
    /^wafersync: there is no backup \S+\.no\. Check the path\.$/,
  );
  assert.match(
    await refused('restore', tw.configFile, '--dry-run'),
    /is no backup, or its end is missing\. Take a file that/,
  );
});

test('a backup is refused where it cannot be written, and leaves nothing', async (t) => {
  const [tw] = (await startNodes(t, ['tw'])) as [LocalNode];
  const folder = temporaryFolder(t);
  const node = ['--node', tw.address];
  const there = join(folder, 'there');
  writeFileSync(there, 'kept');
  assert.equal(
    await refused('backup', there, ...node),
    `wafersync: ${there} is there already, and a backup is never written over. Name another file, such as one with the date in its name.`,
  );
  assert.equal(readFileSync(there, 'utf8'), 'kept');
  assert.match(
    await refused('backup', join(folder, 'no', 'file'), ...node),
    /^wafersync: backup \S+ cannot be written: ENOENT\. Check that its folder is there and that this user may write to it\.$/,
  );
  const [free] = await freePorts(1);
  assert.match(
    await refused('backup', join(folder, 'a'), '--node', `127.0.0.1:${free}`),
    /^wafersync: no node answers at \S+ \(connection refused\)\. /,
  );
  assert.deepEqual(readdirSync(folder), ['there']);
});

test('a node makes one backup at a time; one that is given up makes room for the next', async (t) => {
  const [tw] = (await startNodes(t, ['tw'])) as [LocalNode];
  const client = closing(t, makeClient(backupService, tw.address));
  const first = client.Backup({})[Symbol.asyncIterator]();
  assert.ok((await first.next()).value?.begun);
  const file = join(temporaryFolder(t), 'tw.backup');
  assert.equal(
    await refused('backup', file, '--node', tw.address),
    'wafersync: a backup is being made already, and this node makes one at a time. Try again when it is done.',
  );
  await first.return?.();
  while ((await command('backup', file, '--node', tw.address)).code !== 0) {}
  assert.deepEqual(readdirSync(join(tw.dataFolder, 'spool')), []);
});

test('a disk without room for a backup is told before anything is written, on either side', async (t) => {
  await withSmallDisk(t, 200, async (disk) => {
    const configFile = join(temporaryFolder(t), 'tw.yaml');
    const [port] = await freePorts(1);
    writeFileSync(configFile, renderConfig({ fab: 'tw', data_dir: disk.folder, listen: { port: port! } }));
    const node = await startNode(loadConfig(configFile, {}), {
      world: realWorld,
      log: silentLog,
      version: 'test',
    });
    try {
      const file = join(temporaryFolder(t), 'tw.backup');
      assert.match(
        await refused('backup', file, '--node', `127.0.0.1:${port}`),
        /^wafersync: \S+spool has \d+ bytes free, and a backup, while it is made, needs \d+\. Free space on the disk of the node's data_dir\.$/,
      );
    } finally {
      await node.stop();
    }
  });
  await withSmallDisk(t, 1, async (disk) => {
    const { tw, file } = await scene(t);
    disk.fill();
    assert.match(
      await refused('backup', join(disk.folder, 'b'), '--node', tw.address),
      /^wafersync: \S+ has \d+ bytes free, and the backup needs about \d+\. Free space there, or name a file elsewhere\.$/,
    );
    const configFile = join(temporaryFolder(t), 'tw.yaml');
    disk.clear();
    writeFileSync(configFile, renderConfig({ fab: 'tw', data_dir: disk.folder }));
    disk.fill();
    const seen = await command('restore', file, '--config', configFile, '--yes');
    assert.match(
      seen.stderr,
      /has \d+ bytes free, and the restored database needs \d+\. Free space there\.|is full/,
    );
    assert.deepEqual(
      readdirSync(disk.folder).filter((name) => /\.db(\.restore)?$/.test(name)),
      [],
    );
  });
});

test('a backup that is cut, or comes otherwise than it was sent, leaves no file', async (t) => {
  const steps: Message<'BackupResponse'>[] = [];
  const server = createServer({ world: realWorld, log: silentLog });
  server.add(backupService, {
    Backup: serverStream<Message<'BackupRequest'>, Message<'BackupResponse'>>(async function* () {
      yield* steps;
    }),
  });
  const port = await server.bind('127.0.0.1', 0);
  t.after(() => server.close(0));
  const folder = temporaryFolder(t);
  const refusal = async (...sent: Message<'BackupResponse'>[]) => {
    steps.splice(0, steps.length, { begun: { fab_id: 'tw', estimated_bytes: fromNumber(3) } }, ...sent);
    const said = await refused('backup', join(folder, 'tw.backup'), '--node', `127.0.0.1:${port}`);
    assert.deepEqual(readdirSync(folder), []);
    return said;
  };
  const data = Buffer.from('abc');
  const sha256 = createHash('sha256').update(data).digest();
  const other =
    'wafersync: the backup came otherwise than the node sent it. Try again; if it happens again, check the machine and the network.';
  assert.equal(
    await refusal({ data }),
    'wafersync: the node ended the backup before it was whole. Try again.',
  );
  assert.equal(await refusal({ data }, { end: { bytes: fromNumber(4), sha256 } }), other);
  assert.equal(await refusal({ data: Buffer.from('abd') }, { end: { bytes: fromNumber(3), sha256 } }), other);
  assert.match(
    await refusal({ data }, { end: { bytes: fromNumber(3), sha256 } }),
    /is no backup, or its end is missing/,
  );
});
