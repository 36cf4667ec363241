import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { makeClient } from '../../src/api/client.ts';
import { demoLot } from '../../src/generator/demo-lot.ts';
import { toNumber } from '../../src/wire/long.ts';
import { testEquipment } from '../../src/wire/services.ts';
import { closing, until } from '../support/grpc-client.ts';
import { type LocalNode, startNodes } from '../support/local-nodes.ts';
import { importFile, waitForRun } from '../support/run-client.ts';
import { type Query, readHistory, sendResults, type TestResult } from '../support/tester.ts';

const FABS = ['tw', 'az'];

/** What one page of a query takes in memory, and what is on its way to the client, is less than this. */
const HELD_BYTES = 16 * 1024 * 1024;

/** Turns of the event loop in which a node that nobody slows down would have sent all. */
const MANY_TURNS = 3_000;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes of what is reachable. */
function heapBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

async function streamAt(node: LocalNode, results: readonly TestResult[]): Promise<void> {
  const { runId } = await sendResults(node.address, results);
  await waitForRun(node.address, runId, FABS);
}

test('a query is answered by all its results in order, and no faster than its client takes them', async (t) => {
  const [tw, az] = (await startNodes(t, FABS)) as [LocalNode, LocalNode];
  const lot = demoLot({ number: 1, wafers: 4 });
  assert.ok(lot.results > 60_000);
  await importFile(tw.address, lot.fileName, lot.stdf, FABS);
  const reader = closing(t, makeClient(testEquipment, az.address));

  let count = 0;
  let index = -1;
  for await (const result of reader.GetHistoricalTests({})) {
    count++;
    const next = toNumber(result.attempt_index);
    assert.ok(next >= index, 'attempts come in order of their index in the run');
    index = next;
  }
  assert.equal(count, lot.results);

  // A client that took one result and looks away: what the node makes meanwhile stays in memory.
  const before = heapBytes();
  const slow = reader.GetHistoricalTests({})[Symbol.asyncIterator]();
  await slow.next();
  let turns = 0;
  await until(() => ++turns === MANY_TURNS);
  const grown = heapBytes() - before;
  await slow.return?.();
  assert.ok(grown < HELD_BYTES, `${grown} bytes are held for a client that takes nothing`);
});

test('each part of a query narrows it, and parts narrow it together', async (t) => {
  const [tw, az] = (await startNodes(t, FABS)) as [LocalNode, LocalNode];
  const base = 1_780_000_000_000_000;
  const result = (n: number) => ({ test_value: n, timestamp_us: base + n, pass_fail: true });
  await streamAt(tw, [
    { equipment_id: 'T', wafer_id: 'A', lot: 'L1', die_x: 0, die_y: 0, test_name: 'VDD', ...result(1) },
    { equipment_id: 'T', wafer_id: 'A', lot: 'L1', die_x: 0, die_y: 0, test_name: 'IDD', ...result(2) },
    { equipment_id: 'T', wafer_id: 'A', lot: 'L1', die_x: -1, die_y: 2, test_name: 'VDD', ...result(3) },
    { equipment_id: 'T', wafer_id: 'B', lot: 'L1', die_x: 0, die_y: 2, test_name: 'VDD', ...result(4) },
  ]);
  await streamAt(az, [
    { equipment_id: 'T', wafer_id: 'A', lot: 'L2', die_x: 0, die_y: 0, test_name: 'VDD', ...result(5) },
    { equipment_id: 'T', wafer_id: 'A', lot: 'L2', no_coordinates: true, test_name: 'VDD', ...result(6) },
  ]);
  const ask = async (query: Query) => {
    const found = await readHistory(tw.address, query);
    return found.map(({ test_value }) => test_value);
  };
  assert.deepEqual(await ask({}), [1, 2, 3, 4, 5, 6]);
  assert.deepEqual(await ask({ wafer_id: 'A' }), [1, 2, 3, 5, 6]);
  assert.deepEqual(await ask({ lot: 'L1' }), [1, 2, 3, 4]);
  assert.deepEqual(await ask({ test: 'VDD' }), [1, 3, 4, 5, 6]);
  assert.deepEqual(await ask({ fab: 'az' }), [5, 6]);
  assert.deepEqual(await ask({ x: 0 }), [1, 2, 4, 5]);
  assert.deepEqual(await ask({ x: -1 }), [3]);
  assert.deepEqual(await ask({ y: 2 }), [3, 4]);
  assert.deepEqual(await ask({ from_us: base + 3 }), [3, 4, 5, 6]);
  assert.deepEqual(await ask({ to_us: base + 3 }), [1, 2]);
  assert.deepEqual(await ask({ from_us: base + 2, to_us: base + 5 }), [2, 3, 4]);
  assert.deepEqual(await ask({ wafer_id: 'A', lot: 'L1', test: 'VDD', fab: 'tw', x: 0, y: 0 }), [1]);
  assert.deepEqual(await ask({ wafer_id: 'A', lot: 'L1', fab: 'az' }), []);
  assert.deepEqual(await ask({ wafer_id: 'C' }), []);
  assert.deepEqual(await ask({ test: 'vdd' }), []);
});
