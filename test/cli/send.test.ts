import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { parseResult } from '../../src/cli/send/json-result.ts';
import { linesOf, MAX_LINE_BYTES } from '../../src/cli/send/lines.ts';
import { Pace } from '../../src/cli/send/pace.ts';
import { settle } from '../replica/replica-fixture.ts';
import { command, ENVIRONMENT, ended, MAIN } from '../support/command.ts';
import { freePorts } from '../support/free-ports.ts';
import { startNodes } from '../support/local-nodes.ts';
import { ManualWorld } from '../support/manual-world.ts';
import { keptAt } from '../support/node-results.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { readHistory } from '../support/tester.ts';

/** Lines of so many dies of ten results each. */
function lines(dies: number, more: object = { equipment_id: 'T1' }): string[] {
  return Array.from({ length: dies * 10 }, (_, i) =>
    JSON.stringify({
      ...more,
      ...{ lot: 'L1', wafer_id: 'W1', die_x: Math.floor(i / 10), die_y: 0, test_name: `t${i % 10}` },
      ...{ test_value: i, pass_fail: i % 7 > 0, last_of_die: i % 10 === 9 },
    }),
  );
}

function file(t: TestContext, content: readonly string[], name = 'results.jsonl'): string {
  const path = join(temporaryFolder(t), name);
  writeFileSync(path, content.map((line) => `${line}\n`).join(''));
  return path;
}

test('a file is streamed as a tester does it, and sent again it adds nothing', async (t) => {
  const [tw] = await startNodes(t, ['tw']);
  const path = file(t, lines(4));
  const first = await command('send', path, '--node', tw!.address, '--json');
  assert.deepEqual([first.code, first.stderr], [0, '']);
  const [sent] = JSON.parse(first.stdout);
  assert.match(sent.run_id, /^[0-9a-f]{32}$/);
  assert.match(sent.stream_id, /^results\.jsonl-[0-9a-f]{16}$/);
  const { stream_id, run_id } = sent;
  const rest = { file: path, equipment_id: 'T1', stream_id, run_id, results: 40, lost_calls: 0 };
  assert.deepEqual(sent, { ...rest, durable_before: 0 });
  assert.equal((await readHistory(tw!.address, { lot: 'L1' })).length, 40);
  const again = await command('send', path, '--node', tw!.address, '--json');
  assert.deepEqual(JSON.parse(again.stdout), [{ ...rest, durable_before: 40 }]);
  const kept = await keptAt(tw!.address);
  assert.deepEqual([kept.attempts, kept.results], [4, 40]);
});

test('without --json a table says what was sent', async (t) => {
  const [tw] = await startNodes(t, ['tw']);
  const path = file(t, lines(2));
  const { stdout } = await command('send', path, '--node', tw!.address, '--stream', 'S', '--equipment', 'T2');
  const [head, row] = stdout.trimEnd().split('\n');
  const columns = ['FILE', 'TESTER', 'STREAM', 'RUN', 'RESULTS', 'DURABLE BEFORE', 'CALLS LOST'];
  assert.deepEqual(head!.trim().split(/ {2,}/), columns);
  const cells = row!.trim().split(/ {2,}/);
  assert.deepEqual([...cells.slice(0, 3), ...cells.slice(4)], [path, 'T2', 'S', '20', '0', '0']);
});

test('a stream that was sent in part goes on where the node says', async (t) => {
  const [tw] = await startNodes(t, ['tw']);
  const all = lines(4);
  const [part, whole] = [file(t, all.slice(0, 20)), file(t, all)];
  await command('send', part, '--node', tw!.address, '--stream', 'S');
  const { stdout } = await command('send', whole, '--node', tw!.address, '--stream', 'S', '--json');
  const [{ results, durable_before }] = JSON.parse(stdout);
  assert.deepEqual([results, durable_before], [40, 20]);
  assert.equal((await keptAt(tw!.address)).attempts, 4);
});

test('results come from the standard input as well', async (t) => {
  const [tw] = await startNodes(t, ['tw']);
  const args = [MAIN, 'send', '-', '--node', tw!.address, '--json'];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'], env: ENVIRONMENT });
  child.stdin.end(lines(1).join('\n'));
  const { code, stdout, stderr } = await ended(child);
  assert.deepEqual([code, stderr], [0, '']);
  const [{ file, results }] = JSON.parse(stdout);
  assert.deepEqual([file, results], ['standard input', 10]);
});

test('a file that fails is told and passed by', async (t) => {
  const [tw] = await startNodes(t, ['tw']);
  const missing = join(temporaryFolder(t), 'missing.jsonl');
  const bad = file(t, [...lines(1), '{"test_name": 7}'], 'bad.jsonl');
  const whose = file(t, lines(1, {}), 'whose.jsonl');
  const two = file(t, [...lines(1), ...lines(1, { equipment_id: 'T2' })], 'two.jsonl');
  const good = file(t, lines(1), 'good.jsonl');
  const { code, stdout, stderr } = await command(
    ...['send', missing, bad, whose, two, good, '--node', tw!.address, '--json'],
  );
  assert.equal(code, 1);
  assert.deepEqual(
    JSON.parse(stdout).map((sent: { file: string }) => sent.file),
    [good],
  );
  assert.deepEqual(stderr.trimEnd().split('\n'), [
    `wafersync: ${missing} does not exist. Check the path.`,
    `wafersync: test_name 7 is no text in line 11 of ${bad}. Write test_name in quotes.`,
    `wafersync: ${whose} does not say which tester it is of. Give --equipment, or equipment_id in each line.`,
    'wafersync: the results change from tester "T1", stream "" to tester "T2", stream "". Put each stream into a file of its own.',
  ]);
});

test('one stream id is not for several files', async (t) => {
  const path = file(t, lines(1));
  const { code, stderr } = await command('send', path, path, '--node', '127.0.0.1:1', '--stream', 'S');
  assert.equal(code, 1);
  assert.match(stderr, /^wafersync: --stream S is given for 2 files\. /);
});

test('a node that is not there is told at once', async (t) => {
  const [port] = await freePorts(1);
  const { code, stderr } = await command('send', file(t, lines(1)), '--node', `127.0.0.1:${port}`);
  assert.equal(code, 1);
  assert.match(stderr, /^wafersync: no node answers at /);
});

test('a line has the fields of the contract, written as protobuf writes JSON or plainly', () => {
  const plain = parseResult(
    JSON.stringify({
      ...{
        equipment_id: 'T1',
        stream_id: 'S',
        wafer_id: 'W',
        lot: 'L',
        insertion: 'CP',
        die_x: -1,
        die_y: 2,
      },
      ...{ test_name: 'vdd', test_number: 3, units: 'V', low_limit: 0, high_limit: 2.5, test_value: 'NaN' },
      ...{ pass_fail: true, timestamp_us: '1700000000000000', head: 1, site: 2, hard_bin: 3, soft_bin: 4 },
      ...{ part_id: 'p', last_of_die: true, test_flags: 2, stream_sequence: 9, fab_id: 'tw', run_id: null },
    }),
    'line 1',
  );
  assert.deepEqual(plain, {
    ...{ equipmentId: 'T1', streamId: 'S', final: false },
    result: {
      ...{
        waferId: 'W',
        lot: 'L',
        insertion: 'CP',
        x: -1,
        y: 2,
        partId: 'p',
        head: 1,
        site: 2,
        hardBin: 3,
        softBin: 4,
      },
      test: { name: 'vdd', number: 3, units: 'V', lowLimit: 0, highLimit: 2.5 },
      ...{
        value: Number.NaN,
        passed: true,
        testFlags: 2,
        timestampUs: 1_700_000_000_000_000,
        lastOfDie: true,
      },
    },
  });
  const camel = parseResult('{"testName":"a","noValue":true,"noCoordinates":true,"testValue":1}', 'line 1');
  const { x, y, value, passed, test: named } = camel.result;
  assert.deepEqual([x, y, value, passed, named.name], [null, null, null, false, 'a']);
});

for (const [line, message] of [
  ['{', /^line 5 is no JSON: /],
  ['[1]', /^line 5 is no JSON object$/],
  ['7', /^line 5 is no JSON object$/],
  ['{"test": 1}', /^test is no field of a result in line 5$/],
  ['{"values": [1]}', /^values is no field of a result/],
  ['{"test_value": "high"}', /^test_value "high" is no number in line 5$/],
  ['{"test_value": ""}', /^test_value "" is no number/],
  ['{"pass_fail": 1}', /^pass_fail 1 is neither true nor false in line 5$/],
] as const) {
  test(`the line ${line} is refused with its number`, () => {
    assert.throws(() => parseResult(line, 'line 5'), { code: 'invalid', message });
  });
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

test('lines are found across pieces, blank ones are counted and passed by, and the last may lack its end', async () => {
  const text = 'α\n\n  \r\nβ\nγ';
  const bytes = new TextEncoder().encode(text);
  for (let size = 1; size <= bytes.length; size++) {
    async function* pieces() {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    }
    assert.deepEqual(await all(linesOf(pieces(), 'f')), [
      { number: 1, text: 'α' },
      { number: 4, text: 'β' },
      { number: 5, text: 'γ' },
    ]);
  }
});

test('a line that does not end is refused', async () => {
  async function* endless() {
    for (;;) yield new Uint8Array(1000).fill(65);
  }
  await assert.rejects(all(linesOf(endless(), 'f')), {
    code: 'invalid',
    message: `line 1 of f is longer than ${MAX_LINE_BYTES} bytes`,
  });
});

test('results pass at the rate that was asked for', async () => {
  const world = new ManualWorld();
  const pace = new Pace(world, 100);
  let passed = 0;
  void (async () => {
    for (; passed < 1000; passed++) await pace.pass(1);
  })();
  for (let second = 1; second <= 3; second++) {
    for (let i = 0; i < 1000; i++) {
      world.advance(1);
      await settle();
    }
    assert.ok(Math.abs(passed - second * 100) <= 2, `${passed} after ${second} s`);
  }
});
