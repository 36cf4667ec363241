import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { WafersyncError } from '../../src/errors.ts';
import { silentLog } from '../../src/log.ts';
import { guardOf } from '../../src/telemetry/guard.ts';
import { type IntakeObserver, observedIntake } from '../../src/telemetry/observed-intake.ts';
import { Bench, batch } from '../replica/replica-fixture.ts';

/** An intake watched by one that fails while `broken`, and behind it by one that keeps what it is told. */
function watched(t: TestContext) {
  const tw = new Bench(t);
  const told: string[] = [];
  const lines: unknown[] = [];
  const state = { broken: true, failures: 0 };
  const log = { ...silentLog, error: (event: string, fields?: object) => lines.push({ event, ...fields }) };
  const guard = guardOf({ observer: 'traces', log, world: tw.world, failed: () => void state.failures++ });
  const fail = (what: string) => {
    told.push(`${what} failing`);
    if (state.broken) throw new Error('a bug');
  };
  const failing: IntakeObserver = {
    guard,
    written: () => fail('written'),
    refused: () => fail('refused'),
  };
  const sound: IntakeObserver = {
    guard,
    written: ({ receipt }) => told.push(`written ${receipt.added}`),
    refused: (source, { code }) => told.push(`refused ${source} ${code}`),
  };
  const intake = observedIntake(tw.replica, 'stream', [failing, sound], tw.world);
  const write = async (index: number) => {
    const written = intake.write(batch([index]));
    await tw.commit();
    return written;
  };
  return { tw, intake, write, told, lines, state };
}

test('a batch that is durable is never told as refused, whatever an observer does', async (t) => {
  const { write, told, state } = watched(t);
  const { added } = await write(0);
  assert.equal(added, 1);
  assert.deepEqual(told, ['written failing', 'written 1']);
  assert.equal(state.failures, 1);
});

test('a batch that fails is told with its own error, whatever an observer does', async (t) => {
  const { tw, intake, told } = watched(t);
  tw.replica.close();
  await assert.rejects(intake.write(batch([0])), (error: unknown) => {
    assert.ok(error instanceof WafersyncError);
    assert.deepEqual(told, ['refused failing', `refused stream ${error.code}`]);
    return true;
  });
});

test('that an observer fails is logged once in ten minutes, and counted each time', async (t) => {
  const { tw, write, lines, state } = watched(t);
  for (const index of [0, 1]) await write(index);
  state.broken = false;
  await write(2);
  assert.deepEqual([lines, state.failures], [[{ event: 'observer.failed', observer: 'traces' }], 2]);
  state.broken = true;
  await write(3);
  assert.deepEqual([lines.length, state.failures], [1, 3], 'it was told not long ago');
  tw.world.advance(600_000);
  await write(4);
  assert.deepEqual([lines.length, state.failures], [2, 4]);
});
