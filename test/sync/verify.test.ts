import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { WafersyncError } from '../../src/errors.ts';
import type { Answer, Question } from '../../src/sync/verify/questions.ts';
import type { RunId } from '../../src/wafer/run.ts';
import { sealUpdate } from '../../src/wire/header.ts';
import { batch, PROGRAM } from '../replica/replica-fixture.ts';
import { exchange, MESH } from '../support/document-bench.ts';
import { VerifyFab } from '../support/verify-fab.ts';

/** Bytes of messages that two equal nodes may exchange. */
const EQUAL_BYTES = 64;

/** tw verifies with az; both have results of two wafers, in one run, and an edit. */
async function twoFabs(t: TestContext, intervalH = 0): Promise<[VerifyFab, VerifyFab]> {
  const az = new VerifyFab(t, 'az');
  const tw = new VerifyFab(t, 'tw', [az], intervalH);
  await write(tw, [0, 1], 'W1');
  await write(tw, [2, 3], 'W2');
  await az.patch([['add', '/attributes/oven', 'O-7']]);
  await exchange([tw, az]);
  return [tw, az];
}

async function write(fab: VerifyFab, indexes: readonly number[], waferId: string, run = 'a') {
  const wafer = { lot: 'L1', waferId, insertion: 'CP1' };
  const of = { id: run.repeat(32) as RunId, startedAtUs: 1_700_000_000_000_000 };
  void fab.bench.replica.write(batch(indexes, { wafer, run: of }));
  await fab.bench.commit();
}

const SPOILED_PAYLOAD = 'UPDATE update_log SET payload = zeroblob(length(payload)) WHERE sequence = 1';

test('fabs that have the same are equal, and say so in a few bytes', async (t) => {
  const [tw] = await twoFabs(t);
  const { results, findings } = await tw.verify();
  const [{ fab, wafers, subjects, different, onTheWay, bytes, error }] = results as [(typeof results)[0]];
  assert.deepEqual([fab, wafers, subjects, different, onTheWay, error], ['az', 2, 3, 0, 0, null]);
  assert.ok(bytes <= EQUAL_BYTES, `${bytes} bytes`);
  assert.deepEqual(findings, []);
});

test('what one has applied and the other not is on its way, and nothing is wrong', async (t) => {
  const [tw, az] = await twoFabs(t);
  await write(tw, [4], 'W3');
  await az.patch([['add', '/attributes/lane', 3]]);
  const { results, findings } = await tw.verify();
  // W1 by the edit, W3 that az has not, and the run by its update.
  assert.deepEqual([results[0]!.onTheWay, results[0]!.different, results[0]!.subjects], [3, 0, 4]);
  assert.deepEqual(findings, []);
  assert.equal((await az.verify()).results.length, 0, 'az knows of nobody');
});

test('an update that comes while two are compared is looked at once more', async (t) => {
  const [tw, az] = await twoFabs(t);
  await write(tw, [4], 'W2');
  let gave = false;
  const give = () => {
    if (gave) return;
    gave = true;
    void az.take(...tw.born);
  };
  const { findings } = await tw.verify({}, give);
  assert.deepEqual(findings, []);
});

test('tables that somebody changed are named and put right, at either fab', async (t) => {
  const [tw, az] = await twoFabs(t);
  const digest = tw.store.foldDigest();
  assert.equal(az.change('UPDATE dies SET hard_bin = 9 WHERE x = 1'), 1);
  assert.equal(az.change(`UPDATE fields SET value = '"O-8"'`), 1);
  assert.equal(tw.change('UPDATE attempts SET passed = 0 WHERE attempt_index = 3'), 1);
  assert.equal(tw.change('DELETE FROM run_wafers WHERE wafer = (SELECT max(id) FROM wafers)'), 1);
  const { results, findings } = await tw.verify();
  assert.deepEqual(findings.sort(), [
    'az tables dies fields repaired',
    'tw tables attempts run_wafers repaired',
  ]);
  assert.deepEqual([results[0]!.different, results[0]!.repaired, results[0]!.notRepaired], [2, 1, 0]);
  for (const fab of [tw, az]) {
    assert.equal(fab.store.foldDigest(), digest);
    const told = fab.bench.commits.flatMap(({ refolded }) => refolded.map(({ waferId }) => waferId));
    assert.equal(told.length, 1, 'those who remember what the tables said are told');
  }
  assert.equal(az.document().attributes && JSON.stringify(az.document().attributes), '{"oven":"O-7"}');
  assert.deepEqual((await tw.verify()).findings, []);
});

test('what cannot be folded before something else is right is folded then', async (t) => {
  const [tw, az] = await twoFabs(t);
  await az.patch([['add', '/policies/*/~1disposition', 'most-restrictive']], { wafer: MESH });
  await az.patch([['replace', '/disposition', 'scrap']]);
  await tw.patch([['replace', '/disposition', 'release']]);
  await exchange([tw, az]);
  const digest = tw.store.foldDigest();
  az.change(`UPDATE siblings SET context = context || 'x' WHERE field LIKE '/policies%'`);
  az.change(
    `UPDATE siblings SET context = context || 'x' WHERE field = '/disposition' AND value LIKE '%scrap%'`,
  );
  assert.deepEqual((await tw.verify()).findings, [
    'az tables siblings repaired',
    'az tables siblings repaired',
  ]);
  assert.equal(az.store.foldDigest(), digest);
});

test('a damaged update is asked for again and waited for; one that does not come is told', async (t) => {
  const [tw, az] = await twoFabs(t);
  const one = tw.born[0]!;
  assert.equal(az.change(`${SPOILED_PAYLOAD} AND kind = 'results'`), 1);
  const away = await tw.verify();
  assert.deepEqual(away.findings, ['az update-damaged tw:1 not-repaired']);
  assert.deepEqual([away.results[0]!.repaired, away.results[0]!.notRepaired], [0, 1]);
  assert.ok(!az.store.vectors.received.has(one.header.dot), 'it counts as not received');
  const give = () => {
    if (az.store.log.damaged.has(one.header.dot)) az.bench.replica.receive({ update: one, token: '' });
  };
  await az.take(one);
  assert.deepEqual((await tw.verify()).findings, []);
  az.change(`${SPOILED_PAYLOAD} AND kind = 'results'`);
  assert.deepEqual((await tw.verify({}, give)).findings, ['az update-damaged tw:1 repaired']);
  assert.deepEqual((await tw.verify()).findings, []);
});

test('nothing is changed where nothing is to be repaired', async (t) => {
  const [tw, az] = await twoFabs(t);
  az.change('UPDATE dies SET hard_bin = 9 WHERE x = 1');
  az.change(`${SPOILED_PAYLOAD} AND kind = 'results'`);
  const [digest, vectors] = [az.store.foldDigest(), az.store.vectors.received];
  for (let i = 0; i < 2; i++) {
    const { findings } = await tw.verify({ repair: false });
    assert.ok(findings.includes('az update-damaged tw:1 left'), findings.join('\n'));
  }
  assert.ok(az.store.vectors.received.equals(vectors));
  assert.equal(az.store.foldDigest(), digest);
});

test('a program, a column of the log, and a row that is gone are found where no peer is needed to see them', async (t) => {
  const tw = new VerifyFab(t, 'tw');
  await write(tw, [0], 'W1');
  await write(tw, [1], 'W2');
  await write(tw, [2], 'W3');
  const digest = tw.store.foldDigest();
  tw.change("UPDATE update_log SET wafer = 1, kind = 'edit' WHERE sequence = 2");
  tw.change(`UPDATE programs SET body = zeroblob(3) WHERE digest = '${PROGRAM.digest}'`);
  const give = () => tw.bench.replica.receiveProgram(PROGRAM.digest, PROGRAM.body);
  const { findings } = await tw.verify({}, give);
  assert.deepEqual(findings, [`tw program-damaged ${PROGRAM.digest} repaired`, 'tw columns tw:2 repaired']);
  assert.equal(tw.store.foldDigest(), digest);
  assert.equal(tw.store.rebuild().digest, digest, 'the log says so too');
  tw.change('DELETE FROM update_log WHERE sequence = 2');
  assert.deepEqual((await tw.verify()).findings, ['tw row-missing tw:2 not-repaired']);
});

test('a stub is the same update as the one that it is left of, and a purge is compared like everything else', async (t) => {
  const [tw, az] = await twoFabs(t);
  const dots = tw.born.filter(({ header }) => header.kind === 'results').map(({ header }) => header.dot);
  const done = tw.bench.replica.purge(() => ({ author: 'kim', reason: 'old', termDays: 1, dots }));
  await tw.bench.commit();
  await done;
  const before = await tw.verify();
  assert.deepEqual([before.results[0]!.onTheWay, before.results[0]!.different], [1, 0], 'the purge alone');
  await az.take(...tw.born);
  assert.deepEqual((await tw.verify()).results[0]!.subjects, 4);
  az.change("UPDATE purges SET reason = 'new'");
  az.change(
    'UPDATE update_log SET payload = zeroblob(length(payload)) WHERE sequence = 2 AND stub_digest IS NOT NULL',
  );
  const stub = tw.store.log.get(dots[1]!)!;
  const give = () => {
    if (az.store.log.damaged.has(stub.header.dot)) az.bench.replica.receive({ update: stub, token: '' });
  };
  assert.deepEqual((await tw.verify({}, give)).findings.sort(), [
    'az tables purges repaired',
    'az update-damaged tw:2 repaired',
  ]);
  assert.deepEqual((await tw.verify()).findings, []);
});

test('where each fab is right by itself and they differ, both are named', async (t) => {
  const [tw, az] = await twoFabs(t);
  // Sealed anew: nobody can tell which of the two was born.
  const forged = sealUpdate(tw.born[0]!.header, tw.born[1]!.payload);
  const hex = (bytes: Uint8Array) => `x'${Buffer.from(bytes).toString('hex')}'`;
  az.change(
    `UPDATE update_log SET payload = ${hex(forged.payload)}, digest = ${hex(forged.digest)}
     WHERE sequence = 1 AND kind = 'results'`,
  );
  az.store.rebuild();
  const { results, findings } = await tw.verify();
  assert.ok(
    findings.some((line) => /^tw unexplained .* not-repaired$/.test(line)),
    findings.join('\n'),
  );
  assert.ok(results[0]!.notRepaired > 0);
});

test('one that was not asked for reads no bytes, gives way, and is remembered', async (t) => {
  const [tw, az] = await twoFabs(t, 24);
  tw.verifier.start();
  t.after(() => tw.verifier.stop());
  const last = () => tw.verifier.view().peers[0]!;
  assert.deepEqual([last().lookedMs, tw.verifier.view().allEqualMs], [null, null]);
  const until = async (holds: () => boolean) => {
    while (!holds()) await tw.pump(Promise.resolve(), () => tw.bench.world.advance(60_000));
  };
  await until(() => last().lookedMs !== null);
  assert.deepEqual([last().thorough, last().equalMs, last().last?.different], [false, last().lookedMs, 0]);
  assert.equal(tw.verifier.view().allEqualMs, last().equalMs);
  assert.ok(tw.journal.lines.some(({ event }) => event === 'verify.equal'));
  const equal = last().equalMs;
  az.change('UPDATE dies SET hard_bin = 9 WHERE x = 1');
  await until(() => last().lookedMs !== equal);
  assert.equal(last().equalMs, equal);
  assert.ok(tw.journal.lines.some(({ event }) => event === 'verify.found'));
  assert.deepEqual((await tw.verify()).findings, [], 'it was repaired');
  assert.equal(last().thorough, true);
  const answer = az.verifier.answer;
  az.verifier.answer = () => {
    throw new WafersyncError('unavailable', 'away');
  };
  await until(() => last().last?.error !== null);
  const failed = last().lookedMs!;
  az.verifier.answer = answer;
  await until(() => last().last?.error === null);
  assert.ok(last().lookedMs! - failed < 2 * 3_600_000, 'it is tried again before the day is over');
});

test('a fab that cannot be asked is told, and the others are compared', async (t) => {
  const az = new VerifyFab(t, 'az');
  const de = new VerifyFab(t, 'de', [], 0, az.bench.world);
  const tw = new VerifyFab(t, 'tw', [az, de]);
  az.verifier.answer = () => {
    throw new Error('broken');
  };
  const { results } = await tw.verify();
  assert.deepEqual(
    results.map(({ fab, error }) => [fab, error?.message ?? null]),
    [
      ['az', 'broken'],
      ['de', null],
    ],
  );
  await assert.rejects(tw.verify({ fabs: ['kr' as never] }), {
    code: 'invalid',
    message: 'kr is no other member of this mesh',
  });
  const first = tw.verify();
  await assert.rejects(tw.verify(), { code: 'exhausted', message: 'this node is verifying already' });
  await first;
});

test('questions out of order or over the bounds are refused', async (t) => {
  const az = new VerifyFab(t, 'az');
  const ask = async (...questions: Question[]): Promise<Answer[]> => {
    async function* all() {
      yield* questions;
    }
    const answers: Answer[] = [];
    const asked = (async () => {
      for await (const answer of az.verifier.answer(all(), new AbortController().signal))
        answers.push(answer);
    })();
    await az.pump(asked);
    return answers;
  };
  const begin = { type: 'begin', thoroughness: 'bytes' } as const;
  await assert.rejects(ask({ type: 'branches', prefixes: [''] }), { message: 'a comparison was not begun' });
  const [begun, branches] = await ask(begin, { type: 'branches', prefixes: [''] });
  assert.deepEqual(begun, { type: 'begun', subjects: 0, digest: '', found: false });
  assert.deepEqual(branches, { type: 'branches', branches: [{ prefix: '', count: 0, leaves: [] }] });
  await assert.rejects(
    ask(begin, { type: 'branches', prefixes: Array(65).fill('') }),
    /65 branches are asked for/,
  );
  await assert.rejects(ask(begin, { type: 'subjects', keys: Array(257).fill('') }), /257 subjects are asked/);
  await assert.rejects(ask(begin, { type: 'check', keys: Array(10_001).fill(''), repair: true }), {
    code: 'invalid',
  });
});
