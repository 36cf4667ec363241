import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Cluster } from '../support/cluster.ts';
import { command } from '../support/command.ts';
import { lotFile } from '../support/lot-files.ts';
import { Person } from '../support/wafer-client.ts';

/** A conflict with the keys of `--json`. */
interface ConflictJson {
  readonly id: string;
  readonly kind: string;
  readonly field: string;
  readonly state: string;
  readonly members: readonly { readonly value_json: string | null; readonly chosen: boolean }[];
}

describe('conflicts of two fabs that wrote of a wafer while their link was cut', () => {
  let cluster: Cluster;
  let az: Person;

  before(async () => {
    cluster = await Cluster.start(['tw', 'az']);
    az = new Person(cluster.address('az'));
  });

  after(async () => {
    az.close();
    await cluster.stop();
  });

  const at = (fab: 'tw' | 'az', ...args: string[]) => command(...args, '--node', cluster.address(fab));
  const conflicts = (...args: string[]) => at('tw', 'conflicts', ...args);

  async function listed(...args: string[]): Promise<ConflictJson[]> {
    const { code, stdout, stderr } = await conflicts('list', '--json', ...args);
    assert.deepEqual([code, stderr], [0, '']);
    return stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as ConflictJson);
  }

  /** Lets both fabs write of a wafer, unaware of each other; settles once the conflicts are at both. */
  async function apart(wafer: string, tw: readonly string[], of: readonly string[], count: number) {
    const patch = (fab: 'tw' | 'az', author: string, fields: readonly string[]) => {
      const sets = fields.flatMap((field) => ['--set', field]);
      return at(fab, 'wafer', 'patch', wafer, ...sets, '--create', '--author', author, '--reason', 'saw it');
    };
    cluster.cut('tw', 'az');
    for (const ran of [await patch('tw', 'lin', tw), await patch('az', 'ana', of)])
      assert.equal(ran.stderr, '');
    cluster.heal('tw', 'az');
    const here = async () => (await az.conflicts(wafer)).length === count;
    await az.until(here);
    const person = new Person(cluster.address('tw'));
    await person.until(async () => (await person.conflicts(wafer)).length === count);
    person.close();
  }

  test('are listed and shown, are chosen in by their short names, and end at both fabs', async () => {
    await apart('W1', ['/limits_revision="B"'], ['/limits_revision="C"'], 1);
    const [conflict, ...rest] = await listed('--wafer', 'W1');
    assert.deepEqual(rest, []);
    const { id, members } = conflict!;
    assert.match(id, /^[0-9a-f]{32}$/);
    assert.deepEqual(
      [conflict!.kind, conflict!.field, conflict!.state],
      ['field', '/limits_revision', 'ruled'],
    );
    assert.deepEqual(
      members.map(({ value_json, chosen }) => [value_json, chosen]),
      [
        ['"B"', false],
        ['"C"', true],
      ],
    );
    const [head, row] = (await conflicts('list', '--wafer', 'W1')).stdout.trimEnd().split('\n');
    assert.match(head!, /^ID +KIND +FIELD +STATE +VALUES \(\* IS SHOWN\)$/);
    const short = id.slice(0, 8);
    assert.match(
      row!,
      new RegExp(`^${short} {2}field +/limits_revision +ruled +tw:\\d+ "B"; az:\\d+ "C"\\*$`),
    );
    assert.match((await conflicts('list')).stdout, /^ID +WAFER +KIND .*\n\S+ {2}-\/W1\/- +field /);

    const shown = await conflicts('show', short);
    assert.match(
      shown.stdout,
      new RegExp(`^conflict ${id}: a policy has chosen\n-/W1/-, field /limits_revision,`),
    );
    assert.match(shown.stdout, /^CHOICE +WRITTEN +BY +FIELD +VALUE +SHOWN +REASON$/m);
    assert.match(
      shown.stdout,
      /^az:\d+ +\d{4}-\d\d-\d\d [\d:.]+ UTC +ana +\/limits_revision +"C" +yes +saw it$/m,
    );
    const choice = /^(tw:\d+) .* "B" /m.exec(shown.stdout)![1]!;
    assert.ok(shown.stdout.includes(`conflicts resolve ${short} --node HOST:PORT --choose ${choice}|az:`));
    assert.deepEqual(JSON.parse((await conflicts('show', id, '--json')).stdout), conflict);

    const settled = await at(
      'az',
      ...['conflicts', 'resolve', short, '--choose', choice, '--reason', 'B it is', '--author', 'max'],
    );
    assert.match(
      settled.stdout,
      new RegExp(
        `^conflict ${short} of -/W1/- is settled by az:\\d+, which writes:\n {2}/limits_revision "B"\n$`,
      ),
    );
    const by = / by (az:\d+), /.exec(settled.stdout)![1]!;
    const again = (...args: string[]) =>
      at('az', 'conflicts', 'resolve', short, '--choose', choice, '--reason', 'sure', ...args);
    assert.equal(
      (await again()).stdout,
      `conflict ${short} of -/W1/- is settled so already by ${by}: nothing was written\n`,
    );
    const told = JSON.parse((await again('--json')).stdout);
    assert.deepEqual([told.edit, told.settled_by.length, told.conflict.state], [null, 1, 'settled']);
    const tw = new Person(cluster.address('tw'));
    await tw.until(async () => (await tw.document('W1')).limits_revision === 'B');
    tw.close();
    assert.deepEqual(await listed('--wafer', 'W1'), []);
    assert.equal((await conflicts('list', '--wafer', 'W1')).stdout, 'no conflicts stand\n');
    const [former] = await listed('--wafer', 'W1', '--state', 'settled');
    assert.deepEqual([former!.id, former!.state], [id, 'settled']);
    const history = await conflicts('show', short);
    assert.match(history.stdout, /: settled\n/);
    assert.match(history.stdout, /^az:\d+ +\S+ \S+ UTC +max +\/limits_revision "B" +B it is$/m);
    assert.match(history.stdout, /^To settle it anew: /m);
    const explained = await conflicts('explain', 'W1', '/limits_revision');
    assert.match(explained.stdout, /^\/limits_revision shows "B": one write stands/);
    assert.match(explained.stdout, / max wrote "B", in place of .* \(B it is\)/);
    const anew = await conflicts('resolve', short, '--value', '"D"', '--reason', 'D after all');
    assert.match(anew.stdout, / is settled anew by tw:\d+, which writes:\n {2}\/limits_revision "D"\n$/);
  });

  test('that are open for a person are told with the wafer, and settled by a value', async () => {
    await apart('W2', ['/disposition="ship"', '/notes/n1="x"'], ['/holds/H1={"reason":"scratch"}'], 1);
    const [conflict] = await listed('--state', 'open', '--kind', 'guard');
    assert.deepEqual([conflict!.kind, conflict!.state], ['guard', 'open']);
    const show = await at('az', 'wafer', 'show', 'W2');
    assert.match(show.stdout, /^conflict, 1 open for a person: .*\baz\b/m);
    const short = conflict!.id.slice(0, 8);
    assert.match(
      show.stdout,
      new RegExp(
        `^${short} {2}guard +/disposition +open +tw:\\d+ "ship"\\*; az:\\d+ /holds/H1/reason "scratch"$`,
        'm',
      ),
    );
    const explained = await conflicts('explain', 'W2', '/disposition');
    assert.match(explained.stdout, new RegExp(`^part of 1 conflict: ${short}$`, 'm'));
    const json = JSON.parse((await conflicts('explain', 'W2', '/disposition', '--json')).stdout);
    assert.deepEqual(
      [json.value_json, json.policy, json.conflict_ids],
      ['"ship"', 'last-writer-wins', [conflict!.id]],
    );
    assert.deepEqual(
      [json.siblings.length, json.siblings[0].author, json.siblings[0].here],
      [1, 'lin', true],
    );
    const resolved = await conflicts('resolve', short, '--value', '"scrap"', '--reason', 'cracked', '--json');
    assert.equal(resolved.stderr, '');
    const answer = JSON.parse(resolved.stdout);
    assert.deepEqual([answer.edit.fab_id, answer.conflict.state], ['tw', 'settled']);
    assert.equal(JSON.parse(answer.document_json).disposition, 'scrap');
  });

  test('about dies stand out on the map', async (t) => {
    const { lot, path } = lotFile(t, 1);
    const wafer = lot.wafers[0]!;
    assert.equal((await at('tw', 'import', path, '--wait', 'all')).code, 0);
    const before = await conflicts('list', '--wafer', wafer);
    assert.equal(before.stdout, 'no conflicts stand\n');
    await apart(
      wafer,
      ['/rebins/0,0=5', '/verdicts/2,0="pass"'],
      ['/rebins/0,0=7', '/verdicts/2,0="fail"'],
      2,
    );
    const { stdout } = await at('tw', 'wafer', 'show', wafer, '--map');
    const lines = stdout.split('\n');
    const strokes = lines.findIndex((line) => /^ +\|/.test(line));
    const row = lines.find((line, i) => i > strokes && line.startsWith(' 0 '))!;
    const zero = lines[strokes - 1]!.search(/(?<= )0( |$)/);
    assert.equal(row.slice(zero, zero + 3), `!${row[zero + 1]}!`);
    assert.match(stdout, /^2 dies are in dispute; without the dispute:\n0,0: binned by a person, bin 7 /m);
    const { map } = JSON.parse((await at('tw', 'wafer', 'show', wafer, '--map', '--json')).stdout);
    const disputed = map.dies.filter((die: { disputed: boolean }) => die.disputed);
    assert.deepEqual(
      disputed.map((die: { x: number; y: number; rebin: number }) => [die.x, die.y, die.rebin]),
      [
        [0, 0, 7],
        [2, 0, null],
      ],
    );
    const open = await listed('--lot', lot.lot, '--state', 'open');
    assert.deepEqual(
      open.map(({ field }) => field),
      ['/verdicts/2,0'],
    );
    const both = await listed('--lot', lot.lot, '--insertion', lot.insertion, '--fab', 'az');
    assert.deepEqual(
      both.map(({ state }) => state),
      ['open', 'ruled'],
    );
    assert.deepEqual(await listed('--lot', lot.lot, '--fab', 'kr'), []);
    assert.deepEqual(await listed('--lot', lot.lot, '--kind', 'shape'), []);
    assert.deepEqual(await listed('--lot', 'L9'), []);
  });

  test('are found by the id that their wafer was corrected to', async () => {
    await apart('W4', ['/tags/a=1', '/corrected={"wafer_id":"W4X"}', '/x=1'], ['/x=2'], 1);
    const found = await listed('--wafer', 'W4X');
    assert.deepEqual(
      found.map(({ field }) => field),
      ['/x'],
    );
  });

  test('that are not known, and decisions that are none, are refused with the remedy', async () => {
    const [conflict] = await listed('--wafer', 'W4');
    const short = conflict!.id.slice(0, 8);
    const cases: readonly (readonly [args: readonly string[], says: RegExp])[] = [
      [
        ['show', 'xyz'],
        /conflict id "xyz" is not 4 to 32 hex digits\. `wafersync conflicts list` prints the ids\.\n$/,
      ],
      [['show', '0'.repeat(32)], /^wafersync: conflict 0{32} is not known here\. It may have gone /],
      [
        ['resolve', short, '--reason', 'r'],
        /is settled by either --choose or --value\. `wafersync conflicts show /,
      ],
      [['resolve', short, '--reason', 'r', '--choose', 'tw:1', '--value', '1'], /either --choose or --value/],
      [['resolve', short, '--value', '1'], /required option '--reason <text>' not specified/],
      [['resolve', short, '--value', '1', '--reason', ' '], /^wafersync: reason is empty\. Say why: /],
      [['resolve', short, '--reason', 'r', '--choose', 'tw'], /It must be FAB:SEQUENCE, such as az:12\./],
      [
        ['resolve', short, '--reason', 'r', '--choose', 'kr:1'],
        /kr:1 is not part of conflict .* Choose one of tw:\d+, az:/,
      ],
      [
        ['resolve', short, '--reason', 'r', '--value', 'hold'],
        /'--value <json>' argument 'hold' is invalid\. It must be JSON/,
      ],
      [['list', '--wafer', 'W99'], /^wafersync: wafer W99 is not known here\. It may not have arrived yet: /],
      [
        ['list', '--state', 'shut'],
        /'--state <state>' argument 'shut' is invalid\. Allowed choices are open, ruled, settled\./,
      ],
      [['list', '--fab', 'TW'], /^wafersync: fab id "TW" is not valid\. Use 1 to 16 /],
      [
        ['explain', 'W4'],
        /explain takes a wafer and a field, or a field and --mesh\. Say `wafersync conflicts explain W1 /,
      ],
      [['explain', 'W4', '/x', '--mesh'], /explain takes a wafer and a field, or a field and --mesh\./],
      [['explain', 'W4', 'x'], /^wafersync: path "x" is no JSON Pointer\. /],
      [['explain', 'W99', '/x'], /^wafersync: wafer W99 is not known here\. /],
    ];
    for (const [args, says] of cases) {
      const { code, stdout, stderr } = await conflicts(...args);
      assert.deepEqual([code, stdout], [1, ''], args.join(' '));
      assert.match(stderr, says);
    }
    assert.equal((await listed('--wafer', 'W4')).length, 1, 'it stands as it did');
  });

  test('a choice may be named with its epoch, as explain prints it', async () => {
    const explained = (await conflicts('explain', 'W4', '/x')).stdout;
    const dot = /lin wrote 1 .*\[(tw\.\d+-[0-9a-f]{10}:\d+)\]/.exec(explained)![1]!;
    const [conflict] = await listed('--wafer', 'W4');
    const other = dot.replace(/\.\d+-/, '.1-');
    const stranger = await conflicts('resolve', conflict!.id, '--choose', other, '--reason', 'r');
    assert.match(stranger.stderr, /is not part of conflict/, 'the same sequence of another life is another');
    const { code, stdout } = await conflicts('resolve', conflict!.id, '--choose', dot, '--reason', 'r');
    assert.equal(code, 0);
    assert.match(stdout, / is settled by tw:\d+, which writes:\n {2}\/x 1\n$/);
  });
});
