import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, describe, test } from 'node:test';
import { Board } from '../../src/cli/demo/board.ts';
import { realWorld } from '../../src/world.ts';
import {
  command,
  ENVIRONMENT,
  ended,
  MAIN,
  type Ran,
  startWafersync,
  wafersync,
} from '../support/command.ts';
import { FakeTerminal } from '../support/fake-terminal.ts';
import { freePorts } from '../support/free-ports.ts';
import { type LocalNode, startNodes } from '../support/local-nodes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const FABS = ['tw', 'az', 'de', 'il', 'kr'];

/** Width of the pseudo terminal: narrower than a fab's line. */
const COLUMNS = 60;

/** Says why there is no pseudo terminal; false where util-linux's `script` makes one. */
const noTerminal =
  spawnSync('script', ['-qec', 'true', '/dev/null']).status === 0
    ? false
    : 'there is no `script` of util-linux to make a pseudo terminal';

/** What a child has printed, as it comes. */
class Printed {
  text = '';
  #wake = () => {};

  constructor(child: ChildProcess) {
    child.stdout!.on('data', (chunk: Buffer) => {
      this.text += chunk.toString();
      this.#wake();
    });
  }

  /** Settles when these words have been printed. */
  async has(words: string): Promise<void> {
    while (!this.text.includes(words)) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** Rebuilds a fab's database once nobody has it open any more: a process that ends lets go of it. */
async function rebuilt(data: string, fab: string): Promise<Ran> {
  for (;;) {
    const ran = await command('rebuild', '--config', join(data, fab, 'wafersync.yaml'));
    if (!/is open in process/.test(ran.stderr)) return ran;
  }
}

/** Results of the lots that were announced. */
function announced(text: string): number {
  return [...text.matchAll(/^Lot .* ([\d,]+) results?\. Handing/gm)]
    .map(([, results]) => Number(results!.replaceAll(',', '')))
    .reduce((sum, results) => sum + results, 0);
}

describe('the demo, four starts on one data folder', { timeout: 120_000 }, () => {
  const data = mkdtempSync(join(tmpdir(), 'wafersync-test-'));
  let results = 0;

  after(() => rmSync(data, { recursive: true, force: true }));

  const start = async () => [
    'demo',
    '--data',
    data,
    '--port',
    String((await freePorts(5))[0]),
    '--wafers',
    '1',
  ];

  test('without a terminal it prints plain lines, and with --once it ends when the lot is everywhere', async () => {
    const { code, stdout, stderr } = await wafersync(...(await start()), '--once');
    assert.deepEqual([code, stderr], [0, '']);
    assert.ok(!stdout.includes('\u001b'));
    results = announced(stdout);
    assert.match(
      stdout,
      /^Lot DEMO-001: 1 wafer, [\d,]+ attempts, [\d,]+ results\. Handing it to Taiwan \(tw\)\.$/m,
    );
    assert.match(stdout, /^Lot DEMO-001 was durable at all five .* it is equal at tw, az, de, il, kr:$/m);
    assert.match(
      stdout,
      /With all links of Arizona \(az\) cut, .*\n.*both show the conflict, .*:\n {2}conflict [0-9a-f]{8}\n {2}tw {2}lin: \/disposition = "ship" .*\n {2}az {2}ana: \/holds\/H1\/reason = .*\nGermany settles it: .* all five show disposition hold and no open conflict/,
    );
    const lines = stdout.split('\n').filter((line) => / results .*\/s {2}lag /.test(line));
    assert.deepEqual(
      lines.map((line) => [line.slice(0, 2), /([\d,]+) results/.exec(line)?.[1]]),
      FABS.map((fab) => [fab, results.toLocaleString('en-US')]),
    );
    const file = await command('inspect', join(data, 'latest-lot.stdf'), '--json');
    assert.ok(stdout.includes(`  attempts SHA-256 ${JSON.parse(file.stdout).digests.attempts_sha256}\n`));
    assert.match(stdout, /All five fabs have stopped\. The next start goes on where this one left off\.\n$/);
  });

  test('on a terminal a line a fab is redrawn in place, and Ctrl-C stops all five', {
    skip: noTerminal,
  }, async () => {
    const demo = [process.execPath, MAIN, ...(await start())].map((part) => `'${part}'`).join(' ');
    const inside = `stty cols ${COLUMNS} rows 40; exec ${demo}`;
    const child = spawn('script', ['-qec', inside, '/dev/null'], { env: ENVIRONMENT });
    const printed = new Printed(child);
    const end = ended(child);
    await printed.has('Ctrl-C stops all five.');
    child.stdin.write('\u0003');
    const { code, stdout } = await end;
    assert.equal(code, 0, stdout);

    const terminal = new FakeTerminal(COLUMNS);
    terminal.write(stdout);
    results += announced(terminal.lines.join('\n'));
    const lines = terminal.lines.filter((line) => /^\w\w {2}\w+ +\d\/4 peers/.test(line));
    assert.deepEqual(
      lines.map((line) => [line.slice(0, 2), /([\d,]+) results/.exec(line)?.[1]]),
      FABS.map((fab) => [fab, results.toLocaleString('en-US')]),
      'five lines, with the results of both starts',
    );
    const drawn = stdout.split(/\r?\n/).filter((line) => / peers {2}/.test(line));
    assert.ok(drawn.length > 2 * FABS.length, 'they were drawn again and again');
    for (const line of drawn) assert.ok(line.split('\u001b[J').at(-1)!.length < COLUMNS, line);
    assert.equal(
      terminal.lines.at(-1),
      'All five fabs have stopped. The next start goes on where this one left off.',
    );
  });

  test('a node that ends is told with the line that starts it again', async (t) => {
    const child = startWafersync(await start());
    t.after(() => child.kill('SIGKILL'));
    const printed = new Printed(child);
    const end = ended(child);
    await printed.has('Ctrl-C stops all five.');
    const { stderr } = await command('rebuild', '--config', join(data, 'kr', 'wafersync.yaml'));
    process.kill(Number(/is open in process (\d+)/.exec(stderr)![1]), 'SIGKILL');
    await printed.has('The node of kr ended');
    const [, log, config] =
      /^The node of kr ended by SIGKILL; its log is (\S+)\. To start it again, .*:\n {2}npx wafersync serve --config (\S+)$/m.exec(
        printed.text,
      )!;
    assert.deepEqual(
      [resolve(log!), resolve(config!)],
      ['node.log', 'wafersync.yaml'].map((name) => join(data, 'kr', name)),
    );
    child.kill('SIGINT');
    assert.equal((await end).code, 0);
  });

  test('when it is killed by SIGKILL all five nodes end, and their databases are whole', async () => {
    const child = startWafersync(await start());
    const printed = new Printed(child);
    await printed.has('Ctrl-C stops all five.');
    child.kill('SIGKILL');
    const ran = await Promise.all(FABS.map((fab) => rebuilt(data, fab)));
    for (const { code, stderr } of ran) assert.deepEqual([code, stderr], [0, '']);
    assert.equal(new Set(ran.map(({ stdout }) => stdout.split('digest')[1])).size, 1, 'equal at all five');
    for (const fab of FABS) {
      const log = readFileSync(join(data, fab, 'node.log'), 'utf8')
        .trimEnd()
        .split('\n');
      assert.equal(JSON.parse(log.at(-1)!).event, 'node.stopped');
    }
  });
});

test('the line of a fab that has ended tells of its node again once somebody has started it', async (t) => {
  const [tw] = (await startNodes(t, ['tw'])) as [LocalNode];
  const port = Number(tw.address.split(':')[1]);
  const fab = { fab: 'tw', place: 'Taiwan', timeZone: 'Asia/Taipei', port, folder: tw.dataFolder };
  const { promise: isBack, resolve } = Promise.withResolvers<void>();
  const board = new Board([fab], realWorld.steadyMs, (line) => {
    if (line.state === 'in sync') resolve();
  });
  t.after(() => board.close());
  const line = board.lines[0]!;
  board.end(line, 'ended by SIGKILL');
  assert.deepEqual([line.ended, line.state], [true, 'ended by SIGKILL']);
  void board.followAgain(line);
  await isBack;
  assert.equal(line.ended, false);
});

test('a port that is taken gets one line with the remedy, and nothing is made', async (t) => {
  const data = join(temporaryFolder(t), 'data');
  const ports = await freePorts(5);
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(ports[3], '127.0.0.1', resolve));
  t.after(() => other.close());
  assert.deepEqual(await command('demo', '--data', data, '--port', String(ports[0])), {
    code: 1,
    stdout: '',
    stderr: `wafersync: port ${ports[3]} on 127.0.0.1, for il, is taken. Stop what uses it (another demo?), or choose other ports: npm start -- --port 51051\n`,
  });
  assert.equal(existsSync(data), false);
});

test('a data folder that cannot be written gets one line with the remedy', async (t) => {
  const file = join(temporaryFolder(t), 'file');
  writeFileSync(file, '');
  const [port] = await freePorts(5);
  const { code, stderr } = await command('demo', '--data', join(file, 'data'), '--port', String(port));
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^wafersync: the folder .*tw cannot be written \(ENOTDIR\)\. Make it writable, or .*--data FOLDER\n$/,
  );
});

test('ports past the last one are refused', async () => {
  const { code, stderr } = await command('demo', '--port', '65532');
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^wafersync: --port 65532 leaves no ports for the other fabs\. [^\n]* give 65531 or less\.\n$/,
  );
});

test('a fab whose node does not start ends the demo with its reason, and the other four with it', async (t) => {
  const data = temporaryFolder(t);
  mkdirSync(join(data, 'kr'));
  writeFileSync(
    join(data, 'kr', 'wafersync.db'),
    'this is no database, however long it may be. '.repeat(200),
  );
  const [port] = await freePorts(5);
  const { code, stderr } = await wafersync('demo', '--data', data, '--port', String(port));
  assert.equal(code, 1);
  assert.match(stderr, /^wafersync: the node of kr ended with code 78: .*wafersync\.db[^\n]*node\.log\.\n$/);
  // One that was stopped early may have come to no database.
  for (const fab of ['tw', 'az', 'de', 'il']) {
    const ran = await rebuilt(data, fab);
    assert.ok(ran.code === 0 || ran.stderr.includes('there is no database'), ran.stderr);
  }
});
