import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { command } from '../support/command.ts';
import { inspectOnly } from '../support/read-stdf.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** What `generate --json` says of a file, as far as tests look at it. */
interface Generated {
  readonly file: string;
  readonly lot: string;
  readonly wafers: readonly string[];
  readonly byte_order: string;
  readonly attempts: number;
  readonly results: number;
  readonly is_cut: boolean;
  readonly repeats: string | null;
  readonly digests: {
    readonly attempts_sha256: string;
    readonly parts_sha256: string;
    readonly results_sha256: string;
  };
  readonly yield: object;
}

const SMALL = ['--dies', '40', '--tests', '12', '--sites', '3'];

async function generate(out: string, ...args: string[]): Promise<Generated[]> {
  const ran = await command('generate', '--out', out, '--json', ...SMALL, ...args);
  assert.equal(ran.code, 0, ran.stderr);
  return JSON.parse(ran.stdout);
}

const EVERYTHING = [
  ...['--seed', '7', '--lots', '3', '--wafers', '4', '--wafers-per-file', '2', '--byte-order', 'mixed'],
  ...['--mpr', '0.3', '--ftr', '0.2', '--non-finite', '0.02', '--all-tests', '--retests', 'part-id'],
];

test('the digests that it prints are those of the files, with and without dirt', async (t) => {
  const dirt =
    'cut-files=0.3,missing-wrr=0.3,empty-wafer-id=0.3,repeated-drops=0.5,limit-changes=0.5,clocks-off=0.5';
  for (const rates of ['none', dirt]) {
    const files = await generate(temporaryFolder(t), ...EVERYTHING, '--dirt', rates);
    assert.ok(files.length >= 6);
    for (const { file, digests, yield: yields, attempts, is_cut, wafers } of files) {
      const found = await inspectOnly(file);
      assert.deepEqual(found.digests, digests);
      assert.deepEqual(found.yield, yields);
      assert.equal(found.parts.prr, attempts);
      assert.equal(found.truncated !== null, is_cut);
      if (!is_cut)
        assert.deepEqual(
          found.wafers.map(({ wafer_id }) => wafer_id ?? ''),
          wafers,
        );
    }
  }
});

test('it makes MPR, FTR, NaN, infinities, several wafers a file and both byte orders', async (t) => {
  const files = await generate(temporaryFolder(t), ...EVERYTHING);
  const [little, big] = files.map(({ file }) => readFileSync(file));
  assert.deepEqual([files[0]!.byte_order, files[1]!.byte_order], ['little', 'big']);
  assert.deepEqual([little!.subarray(0, 2), big!.subarray(0, 2)], [Buffer.of(2, 0), Buffer.of(0, 2)]);
  const { records, wafers } = await inspectOnly(files[1]!.file);
  assert.ok(records.MPR! > 50 && records.FTR! > 50 && records.PTR! > 50, JSON.stringify(records));
  assert.equal(wafers.length, 2);
  for (const bits of ['7fc00000', '7f800000', 'ff800000']) {
    assert.ok(little!.includes(Buffer.from(bits, 'hex').reverse()), `${bits} is there`);
  }
});

test('the same seed makes the same bytes, another seed others, and every lot is another', async (t) => {
  const [first, again, other] = [temporaryFolder(t), temporaryFolder(t), temporaryFolder(t)];
  const files = await generate(first, '--seed', '1', '--lots', '2');
  await generate(again, '--seed', '1', '--lots', '2');
  const others = await generate(other, '--seed', '2', '--lots', '2');
  const names = readdirSync(first);
  assert.deepEqual(names, ['LOT-001.stdf', 'LOT-002.stdf']);
  for (const name of names) {
    assert.deepEqual(readFileSync(join(first, name)), readFileSync(join(again, name)));
    assert.notDeepEqual(readFileSync(join(first, name)), readFileSync(join(other, name)));
  }
  const all = [...files, ...others].map(({ digests }) => JSON.stringify(digests));
  assert.equal(new Set(all).size, 4);
});

test('a repeated drop is the same bytes under another name', async (t) => {
  const files = await generate(temporaryFolder(t), '--lots', '2', '--dirt', 'repeated-drops=1');
  assert.equal(files.length, 4);
  for (const { file, repeats } of files.filter((each) => each.repeats !== null)) {
    assert.match(file, /\.again\.stdf$/);
    assert.deepEqual(readFileSync(file), readFileSync(repeats!));
  }
});

test('clocks that are off and axes that are turned come as often as asked, and change no value', async (t) => {
  const options = ['--lots', '12', '--wafers', '1', '--seed', '3'];
  const clean = await generate(temporaryFolder(t), ...options);
  const dirty = await generate(temporaryFolder(t), ...options, '--dirt', 'clocks-off=0.5,turned-axes=0.5');
  let off = 0;
  let turned = 0;
  for (const [i, { file }] of dirty.entries()) {
    const [was, is] = [await inspectOnly(clean[i]!.file), await inspectOnly(file)];
    const seconds = Number(is.mir!.START_T) - Number(was.mir!.START_T);
    assert.ok(Math.abs(seconds) <= 300);
    if (seconds !== 0) off++;
    if (is.digests.parts_sha256 !== was.digests.parts_sha256) turned++;
    assert.equal(is.digests.results_sha256, was.digests.results_sha256);
  }
  assert.ok(off >= 2 && off <= 10, `${off} clocks off`);
  assert.ok(turned >= 2 && turned <= 10, `${turned} lots turned`);
});

test('gzip holds the same bytes, and no half file is left under any name', async (t) => {
  const [plain, packed] = [temporaryFolder(t), temporaryFolder(t)];
  await generate(plain);
  const [file] = await generate(packed, '--compress', 'gzip');
  assert.deepEqual(readdirSync(packed), ['LOT-001.stdf.gz']);
  assert.deepEqual(gunzipSync(readFileSync(file!.file)), readFileSync(join(plain, 'LOT-001.stdf')));
});

test('without --json it prints a table with a line a file', async (t) => {
  const out = temporaryFolder(t);
  const [file] = await generate(out);
  const { stdout } = await command('generate', '--out', out, ...SMALL);
  const [head, line, ...rest] = stdout.trimEnd().split('\n');
  assert.match(head!, /^FILE +WAFERS +ATTEMPTS +RESULTS +YIELD \(LAST\) +COMPLETE +ATTEMPTS SHA-256$/);
  assert.ok(line!.startsWith(join(out, 'LOT-001.stdf')) && line!.endsWith(file!.digests.attempts_sha256));
  assert.deepEqual(rest, []);
});

test('wrong options and a folder that cannot be written are told with the remedy', async (t) => {
  const out = temporaryFolder(t);
  const file = join(out, 'file');
  writeFileSync(file, '');
  for (const [args, line] of [
    [['--dirt', 'cut=1'], /argument 'cut=1' is invalid\. It must be none, field, or rates .* cut-files, /],
    [['--dirt', 'cut-files=2'], /It must be a share from 0 to 1, such as 0\.05\./],
    [['--mpr', 'x'], /It must be a share from 0 to 1/],
    [['--seed', '1.5'], /It must be a whole number\./],
    [['--preset', 'huge'], /Allowed choices are demo, small, typical, heavy, stress\./],
    [['--sites', '256'], /^wafersync: generator: sites is 256\. Give a whole number from 1 to 255\./],
    [['--mpr', '0.6', '--ftr', '0.6'], /mprShare \+ ftrShare is 1\.2/],
    [['--out', join(file, 'x')], /^wafersync: .*file\/x cannot be written: ENOTDIR.* Name a folder/],
  ] as const) {
    const ran = await command('generate', '--out', out, ...args);
    assert.equal(ran.code, 1, args.join(' '));
    assert.match(ran.stderr, line);
  }
});
