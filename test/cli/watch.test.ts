import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { runCommand } from '../../src/cli/program.ts';
import { openTester } from '../../src/tester/index.ts';
import { command } from '../support/command.ts';
import { freePorts } from '../support/free-ports.ts';
import { type LocalNode, startNodes } from '../support/local-nodes.ts';
import { hasResults } from '../support/node-results.ts';

/** Streams dies of ten results to a node: those at even places pass. */
async function stream(address: string, dies: number, lot = 'L1'): Promise<void> {
  const tester = openTester({ node: address, equipmentId: 'T1' });
  const tests = Array.from({ length: 10 }, (_, i) => ({ name: `t${i}` }));
  for (let x = 0; x < dies; x++) {
    const passed = tests.map(() => x % 2 === 0);
    await tester.addDie({ lot, waferId: 'W1', x, y: 0, tests, values: tests.map((_, i) => i), passed });
  }
  await tester.finish();
}

/** A watch that runs, line by line. */
function watching(node: LocalNode, ...args: string[]) {
  const lines: string[] = [];
  const errors: string[] = [];
  let wake = () => {};
  const code = runCommand(['node', 'wafersync', 'watch', '--node', node.address, ...args], {
    out: (text) => {
      lines.push(text);
      wake();
    },
    err: (text) => errors.push(text),
    interactive: false,
  });
  /** Settles with the first line that matches. */
  const line = async (pattern: RegExp): Promise<string> => {
    for (;;) {
      const found = lines.find((one) => pattern.test(one));
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  return { lines, errors, code, line };
}

async function twoNodes(t: TestContext): Promise<[LocalNode, LocalNode]> {
  return (await startNodes(t, ['tw', 'az'])) as [LocalNode, LocalNode];
}

test('results that another fab takes in are told, with the yield by the view that is named', async (t) => {
  const [tw, az] = await twoNodes(t);
  await stream(tw.address, 4);
  await hasResults(az, 40);
  const { lines, errors, code, line } = watching(az, '--lot', 'L1', '--view', 'raw');
  assert.equal(await line(/yield/), 'L1/W1/-: yield (raw) 50.00 %, 2 passed, 2 failed of 4');
  await stream(tw.address, 1);
  await line(/of 5$/);
  assert.deepEqual(lines.slice(1), [
    '1 attempt with 10 results came',
    'L1/W1/-: yield (raw) 60.00 %, 3 passed, 2 failed of 5',
  ]);
  await az.stop();
  assert.equal(await code, 1);
  assert.match(errors.join(), /^wafersync: the node is stopping\./);
});

test('--json prints each response as an object with its results', async (t) => {
  const [tw] = await twoNodes(t);
  const { lines, line } = watching(tw, '--wafer', 'W1', '--json');
  await line(/./);
  await stream(tw.address, 1);
  const [news, yields] = [JSON.parse(await line(/"attempts":1/)), JSON.parse(await line(/"view"/))];
  assert.deepEqual([news.attempts, news.attempt_results, news.results.length], [1, 10, 10]);
  const { equipment_id, lot, wafer_id, die_x, test_name, test_value, pass_fail } = news.results[3];
  assert.deepEqual(
    [equipment_id, lot, wafer_id, die_x, test_name, test_value, pass_fail],
    ['T1', 'L1', 'W1', 0, 't3', 3, true],
  );
  const counts = { parts: 1, passed: 1, failed: 0, yield: 1 };
  assert.deepEqual(yields.yields, [{ lot: 'L1', wafer_id: 'W1', insertion: '', view: 'last', ...counts }]);
  assert.deepEqual(JSON.parse(lines[0]!).yields, []);
});

test('a node that is not there is told at once, and so is a view that does not exist', async () => {
  const [port] = await freePorts(1);
  const missing = await command('watch', '--node', `127.0.0.1:${port}`);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /^wafersync: no node answers at /);
  const view = await command('watch', '--node', `127.0.0.1:${port}`, '--view', 'median');
  assert.match(view.stderr, /'--view <view>' argument 'median' is invalid/);
});
