import assert from 'node:assert/strict';
import { userInfo } from 'node:os';
import { type TestContext, test } from 'node:test';
import { command, ended, startWafersync } from '../support/command.ts';
import { freePorts } from '../support/free-ports.ts';
import { startNodes } from '../support/local-nodes.ts';
import { fileWith, lotFile } from '../support/lot-files.ts';
import { importFile } from '../support/run-client.ts';

/** A node by itself, and commands about wafers at it. */
async function oneNode(t: TestContext) {
  const [tw] = await startNodes(t, ['tw']);
  const node = ['--node', tw!.address];
  const wafer = (...args: string[]) => command('wafer', ...args, ...node);
  /** A wafer that people write of, without results. */
  const create = (id: string, ...args: string[]) =>
    wafer('patch', id, '--create', '--set', '/notes/n1="first"', ...args);
  const shown = async (id: string, ...args: string[]) =>
    JSON.parse((await wafer('show', id, '--json', ...args)).stdout);
  return { address: tw!.address, node, wafer, create, shown };
}

test('show tells a wafer: who has it, the yield by the view that is named, bins and the document', async (t) => {
  const [tw, az] = await startNodes(t, ['tw', 'az']);
  const { lot } = lotFile(t, 1);
  await importFile(tw!.address, lot.fileName, lot.stdf, ['tw', 'az']);
  const show = (...args: string[]) =>
    command('wafer', 'show', lot.wafers[0]!, '--node', az!.address, ...args);
  const json = JSON.parse((await show('--json')).stdout);
  assert.deepEqual(
    [json.lot, json.wafer_id, json.insertion, json.product, json.attempts, json.results],
    [lot.lot, lot.wafers[0], lot.insertion, 'WS-100', lot.attempts, lot.results],
  );
  assert.deepEqual(
    [json.state, json.synced_fabs, json.missing_fabs, json.conflicts, json.open_conflicts, json.retired],
    ['synced', ['az', 'tw'], [], [], 0, false],
  );
  assert.equal(JSON.parse(json.document_json).disposition, 'none');
  assert.match(json.vector[0].epoch, /^\d+-[0-9a-f]{10}$/);
  assert.deepEqual([json.vector[0].fab_id, json.vector[0].intervals], ['tw', [1, 1]]);
  assert.equal(json.map.dies, undefined, 'without --map there are counts, and no dies');

  for (const view of ['last', 'first', 'raw']) {
    const { map } = JSON.parse((await show('--json', '--map', '--view', view)).stdout);
    const { parts, passed, failed, hard_bins } = map;
    assert.equal(map.view, view);
    assert.equal(parts, view === 'raw' ? lot.attempts : map.dies.length);
    const { stdout } = await show('--view', view);
    const rate = ((passed / (passed + failed)) * 100).toFixed(2);
    const line = `yield (${view}) ${rate} %, ${passed} passed, ${failed} failed of ${parts}`;
    assert.ok(stdout.includes(`\n${line}\nhard bins (${view}) 1: ${hard_bins[0].parts}, `), stdout);
  }
  const { stdout, stderr, code } = await show();
  assert.deepEqual([code, stderr], [0, '']);
  const name = `${lot.lot}/${lot.wafers[0]}/${lot.insertion}`;
  assert.match(stdout, new RegExp(`^wafer ${name}, product WS-100\nversion 0, etag [0-9a-f]{16}\n`));
  assert.match(stdout, /^synced: az tw have all that is known here$/m);
  assert.match(stdout, /^\/disposition {2}"none"$/m);
  assert.match(stdout, /^no conflicts stand$/m);
  assert.doesNotMatch(stdout, /^map/m);
  assert.match((await show('--composite')).stdout, /^yield \(last, all insertions\) /m);
});

test('--map draws each die once, and the counts are those of the yield', async (t) => {
  const { address, wafer } = await oneNode(t);
  const { lot } = lotFile(t, 1);
  await importFile(address, lot.fileName, lot.stdf);
  const { stdout } = await wafer('show', lot.wafers[0]!, '--map');
  const rows = [...stdout.split(/^ +\|.*\n/m)[1]!.matchAll(/^ *-?\d+ ([ .0-9]+)$/gm)].map(([, row]) => row!);
  const chars = rows.join('').replaceAll(' ', '');
  const [, passed, failed] = /(\d+) passed, (\d+) failed/.exec(stdout)!;
  assert.equal(chars.replaceAll('.', '').length, Number(failed));
  assert.equal(chars.length, Number(passed) + Number(failed));
  assert.match(stdout, /^\. passes {3}2 fails, hard bin 2 /m);
  const esc = String.fromCharCode(27);
  assert.ok(!stdout.includes(esc), 'no colours where it is no terminal');
});

test('patch makes operations of --set and --remove, and tells what changed', async (t) => {
  const { wafer, create, shown } = await oneNode(t);
  const made = await create('W1', '--lot', 'L1', '--reason', 'seen');
  assert.deepEqual([made.code, made.stderr], [0, '']);
  assert.match(made.stdout, /^\/notes\/n1: "first"\nwritten as tw:1: version 1, etag [0-9a-f]{16}\n$/);
  const patched = await wafer(
    ...['patch', 'W1', '--set', '/disposition="hold"', '--set', '/holds/H=1={"reason":"a=b"}'],
    ...['--remove', '/notes/n1'],
  );
  assert.match(patched.stderr, /It must be JSON/, 'what stands behind the first = is the value');
  const good = await wafer(
    ...['patch', 'W1', '--set', '/disposition="hold"', '--set', '/holds/H1={"reason":"a=b"}'],
    ...['--remove', '/notes/n1'],
  );
  const [disposition, hold, note, written, ...rest] = good.stdout.trimEnd().split('\n');
  assert.deepEqual(
    [disposition, hold, note, rest],
    ['/disposition: "none" -> "hold"', '/holds/H1/reason: "a=b"', '/notes/n1: "first" -> removed', []],
  );
  const now = await shown('W1');
  assert.equal(written, `written as tw:2: version 2, etag ${now.etag}`);
  const document = JSON.parse(now.document_json);
  assert.deepEqual(
    [document.disposition, document.holds, document.notes],
    ['hold', { H1: { reason: 'a=b' } }, {}],
  );
  const order = await wafer('patch', 'W1', '--set', '/tags/a=1', '--remove', '/tags/a', '--set', '/tags/a=2');
  assert.match(order.stdout, /^\/tags\/a: 2\n/);
});

test('patch takes a patch as it is: as an option, from a file, from stdin', async (t) => {
  const { wafer, node, create, shown } = await oneNode(t);
  await create('W1');
  const patch = (rev: string) => JSON.stringify([{ op: 'add', path: '/limits_revision', value: rev }]);
  const json = await wafer('patch', 'W1', '--patch', patch('A'), '--json');
  const answer = JSON.parse(json.stdout);
  assert.deepEqual([answer.version, answer.edit.fab_id, answer.edit.sequence], [2, 'tw', 2]);
  assert.equal(JSON.parse(answer.document_json).limits_revision, 'A');
  assert.equal(answer.etag, (await shown('W1')).etag);
  const file = await wafer('patch', 'W1', '--file', fileWith(t, 'p.json', patch('B')));
  assert.match(file.stdout, /^\/limits_revision: "A" -> "B"\n/);
  const child = startWafersync(['wafer', 'patch', 'W1', '--file', '-', ...node], { stdio: 'pipe' });
  child.stdin!.end(patch('C'));
  assert.match((await ended(child)).stdout, /^\/limits_revision: "B" -> "C"\n/);
  const nothing = await wafer(
    'patch',
    'W1',
    '--patch',
    '[{"op":"test","path":"/limits_revision","value":"C"}]',
  );
  assert.match(nothing.stdout, /^(there was nothing to write|written as tw:\d+): version /);
});

test('the author is who runs the command, if nobody else is named', async (t) => {
  const { node, create, wafer } = await oneNode(t);
  await create('W1');
  await wafer('patch', 'W1', '--set', '/disposition="hold"', '--author', 'ana', '--reason', 'scratch');
  const explained = await command('conflicts', 'explain', 'W1', '/disposition', ...node);
  assert.match(explained.stdout, /: ana wrote "hold" \(scratch\)/);
  const note = await command('conflicts', 'explain', 'W1', '/notes/n1', ...node);
  assert.ok(note.stdout.includes(`: ${userInfo().username} wrote "first"`), note.stdout);
});

test('retire withdraws a wafer, and a patch brings it back', async (t) => {
  const { wafer, create, shown } = await oneNode(t);
  await create('W1');
  const stale = await wafer('retire', 'W1', '--expect-version', '0');
  assert.match(stale.stderr, /^wafersync: expected version 0, but the document is at version 1, /);
  const retired = await wafer('retire', 'W1', '--expect-version', '1', '--reason', 'broken');
  assert.match(retired.stdout, /^retired\nwritten as tw:2: version 2, etag [0-9a-f]{16}\n$/);
  assert.equal((await shown('W1')).retired, true);
  assert.match((await wafer('show', 'W1')).stdout, /^wafer -\/W1\/-, RETIRED$/m);
  await wafer('patch', 'W1', '--remove', '/retired');
  assert.equal((await shown('W1')).retired, false);
  const json = JSON.parse((await wafer('retire', 'W1', '--json')).stdout);
  assert.deepEqual([json.version, json.edit.sequence], [4, 4]);
});

test('a stale version or etag is refused with what came in between', async (t) => {
  const { wafer, create, shown } = await oneNode(t);
  await create('W1');
  const { etag } = await shown('W1');
  await wafer('patch', 'W1', '--set', '/disposition="hold"', '--author', 'ana', '--expect-etag', etag);
  for (const expected of [
    ['--expect-version', '1'],
    ['--expect-etag', etag],
  ]) {
    const { code, stdout, stderr } = await wafer('patch', 'W1', '--set', '/disposition="scrap"', ...expected);
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(
      stderr,
      /^wafersync: expected (version 1|etag [0-9a-f]+), but the document is at version 2, .*tw \(ana\) wrote \/disposition.*; nothing was written\. Read it again, and decide anew\.\n$/,
    );
  }
  assert.equal(JSON.parse((await shown('W1')).document_json).disposition, 'hold');
});

test('a wafer that is not known, and one that several match, are refused with the remedy', async (t) => {
  const { wafer, create } = await oneNode(t);
  const unknown = 'wafersync: wafer W9 is not known here. It may not have arrived yet: ';
  for (const action of [['show'], ['retire'], ['patch', '--set', '/disposition="hold"']]) {
    const [name, ...rest] = action;
    const { code, stdout, stderr } = await wafer(name!, 'W9', ...rest);
    assert.deepEqual([code, stdout], [1, '']);
    assert.ok(stderr.startsWith(unknown), stderr);
    assert.equal(stderr.includes('--create'), name === 'patch');
  }
  await create('W1', '--lot', 'L1');
  await create('W1', '--lot', 'L2');
  const several =
    'wafersync: 2 wafers or more are called W1. Name lot and insertion as well: L1/W1/-, L2/W1/-.\n';
  assert.deepEqual(await wafer('show', 'W1'), { code: 1, stdout: '', stderr: several });
  assert.match((await wafer('show', 'W1', '--lot', 'L2')).stdout, /^wafer L2\/W1\/-\n/);
});

test('a patch that is none is refused with what is wrong', async (t) => {
  const { wafer, create, shown } = await oneNode(t);
  await create('W1');
  const bad = fileWith(t, 'bad.json', '[{]');
  const cases: readonly (readonly [args: readonly string[], says: RegExp])[] = [
    [[], /^wafersync: there is no patch\. Give --patch, or --file, or some of --set and --remove\.\n$/],
    [['--patch', '[]', '--remove', '/x'], /^wafersync: there are several patches\. Give /],
    [['--patch', '['], /'--patch <json>' argument '\[' is invalid\. It must be JSON \(/],
    [['--patch', '{}'], /^wafersync: the patch is no array of operations\. Send an array as in /],
    [['--file', bad], /bad\.json is not JSON: .*\. It must hold one JSON Patch \(RFC 6902\), /],
    [['--file', `${bad}.no`], /bad\.json\.no does not exist\. Check the path\.\n$/],
    [['--set', '/disposition=hold'], /It must be JSON \(.*\); a text stands in quotes, as in '"hold"'\./],
    [['--set', '/disposition'], /It must be PATH=JSON, as in '\/disposition="hold"'\./],
    [['--set', 'disposition="hold"'], /^wafersync: path "disposition" is no JSON Pointer\. Write it as /],
    [['--set', '/disposition="lost"'], /^wafersync: \/disposition cannot be "lost"\. It is one of none, /],
    [['--remove', '/notes/n9'], /^wafersync: operation 1 \(remove \/notes\/n9\) does not apply: /],
    [['--set', '/tags/a=1', '--expect-version', '-1'], /It must be a whole number from 0\./],
  ];
  for (const [args, says] of cases) {
    const { code, stdout, stderr } = await wafer('patch', 'W1', ...args);
    assert.deepEqual([code, stdout], [1, ''], args.join(' '));
    assert.match(stderr, says);
  }
  assert.equal((await shown('W1')).version, 1, 'nothing was written');
});

test('what others wrote cannot steer the terminal', async (t) => {
  const { node, wafer, create } = await oneNode(t);
  const evil = `${String.fromCharCode(27)}[2J`;
  await create(
    'W1',
    '--author',
    evil,
    '--reason',
    evil,
    '--set',
    `/tags/${evil}="${String.fromCharCode(155)}2J"`,
  );
  const shown = await wafer('show', 'W1');
  const explained = await command('conflicts', 'explain', 'W1', '/notes/n1', ...node);
  assert.match(explained.stdout, /: \\u001b\[2J wrote "first" \(\\u001b\[2J\)/);
  assert.match(shown.stdout, /^\/tags\/\\u001b\[2J +"\\u009b2J"$/m);
  assert.doesNotMatch(shown.stdout + explained.stdout, /(?!\n)\p{Cc}/u);
});

test('a node that is not there, and a command that is none, are told', async () => {
  const [port] = await freePorts(1);
  const gone = await command('wafer', 'show', 'W1', '--node', `127.0.0.1:${port}`);
  assert.match(gone.stderr, /^wafersync: no node answers at .* \(connection refused\)\. Start the node, /);
  const none = await command('wafer');
  assert.deepEqual([none.code, none.stdout], [1, '']);
  assert.match(none.stderr, /^Usage: wafersync wafer \[options\] \[command\]/);
  const wrong = await command('wafer', 'show', '--node', 'x:1');
  assert.match(
    wrong.stderr,
    /missing required argument 'wafer'\n`wafersync wafer show --help` tells what it takes\.\n$/,
  );
  const view = await command('wafer', 'show', 'W1', '--node', 'x:1', '--view', 'median');
  assert.match(view.stderr, /'--view <view>' argument 'median' is invalid/);
});
