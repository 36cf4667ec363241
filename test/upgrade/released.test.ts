import assert from 'node:assert/strict';
import { copyFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fabId } from '../../src/clocks/dot.ts';
import { Store } from '../../src/store/store.ts';
import { fromPullRequest, fromSyncStatus, fromWaferUpdate } from '../../src/sync/transport/lane-codec.ts';
import type { Attempt } from '../../src/wafer/attempt.ts';
import { AttemptsDigest } from '../../src/wafer/attempts-digest.ts';
import { IndexOrder } from '../../src/wafer/index-order.ts';
import { decodeAttempts } from '../../src/wafer/payload/decode.ts';
import { readProgram } from '../../src/wafer/program-codec.ts';
import { type RunId, runId } from '../../src/wafer/run.ts';
import { decoders } from '../../src/wire/decoders.ts';
import { dataSync } from '../../src/wire/services.ts';
import { realWorld } from '../../src/world.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const FIXTURES = join(import.meta.dirname, '..', 'fixtures');

/** Lane messages of a capture. */
function messages<T>(version: string, name: string, decode: (bytes: Buffer) => T): T[] {
  const lines = readFileSync(join(FIXTURES, version, `${name}.jsonl`), 'utf8')
    .split('\n')
    .filter(Boolean);
  return lines.map((line) => decode(Buffer.from(JSON.parse(line), 'base64')));
}

function attemptsDigest(store: Store, run: RunId): string {
  const order = new IndexOrder<{ attempt: Attempt; body: Uint8Array }>(({ attempt }) => attempt.index);
  const digest = new AttemptsDigest();
  let position = 0;
  const add = (ready: { attempt: Attempt; body: Uint8Array }[]) => {
    for (const { attempt, body } of ready) digest.add(attempt, position++, readProgram(body).tests);
  };
  for (const { dot, indexes } of store.runs.updates(run)) {
    const update = store.log.get(dot)!;
    const body = store.programs.get(update.header.program!)!;
    const counting = new Set(indexes);
    add(
      order.push(
        decodeAttempts(update.payload)
          .filter(({ index }) => counting.has(index))
          .map((attempt) => ({ attempt, body })),
      ),
    );
  }
  add(order.end());
  return digest.hex();
}

for (const version of readdirSync(FIXTURES).filter((name) => name.startsWith('v'))) {
  describe(`what ${version} wrote`, () => {
    const facts = JSON.parse(readFileSync(join(FIXTURES, version, 'facts.json'), 'utf8'));

    test('its database opens, and its results read back as the model says', (t) => {
      const file = join(temporaryFolder(t), 'wafersync.db');
      copyFileSync(join(FIXTURES, version, 'wafersync.db'), file);
      const store = Store.open({ file, fab: fabId('tw'), world: realWorld, decoders });
      t.after(() => store.close());
      assert.equal(store.origin.epoch, facts.epoch);
      assert.deepEqual(store.stats(), { ...facts.stats, damaged: 0 });
      assert.equal(store.foldDigest(), facts.fold_digest);
      assert.equal(store.rebuild().digest, facts.fold_digest);
      const digest = attemptsDigest(store, runId(facts.run.run_id));
      assert.equal(digest, facts.run.attempts_sha256);
      assert.equal(digest, facts.run.of_model);
    });

    test('its live lane is understood', () => {
      const { requestDeserialize, responseDeserialize } = dataSync.methods.SyncWaferData;
      const sent = messages(version, 'SyncWaferData.request', (bytes) =>
        fromWaferUpdate(requestDeserialize(bytes)),
      );
      assert.deepEqual([...new Set(sent.map(({ type }) => type))].sort(), [
        'announcement',
        'program',
        'update',
      ]);
      const answers = messages(version, 'SyncWaferData.response', responseDeserialize).filter(
        ({ peer }) => peer,
      );
      const statuses = answers.map((answer) => fromSyncStatus(answer));
      assert.ok(statuses.some(({ hello }) => hello?.protocol === 1));
      assert.ok(statuses.some(({ acknowledged }) => acknowledged > 0));
    });

    test('its catch-up lane is understood', () => {
      const { requestDeserialize, responseDeserialize } = dataSync.methods.PullWaferData;
      const asked = messages(version, 'PullWaferData.request', (bytes) =>
        fromPullRequest(requestDeserialize(bytes)),
      );
      assert.ok(asked.some(({ wanted }) => !wanted.isEmpty));
      const answered = messages(version, 'PullWaferData.response', (bytes) =>
        fromWaferUpdate(responseDeserialize(bytes)),
      );
      assert.deepEqual([...new Set(answered.map(({ type }) => type))].sort(), [
        'program',
        'pull-end',
        'update',
      ]);
    });
  });
}
