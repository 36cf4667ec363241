import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openLink } from '../../src/cli/demo/link.ts';
import { ended } from '../support/command.ts';
import { type LocalNode, startNodes } from '../support/local-nodes.ts';
import { hasResults, keptAt } from '../support/node-results.ts';
import { makeStubs, PYTHON, pythonLacks } from '../support/python-stubs.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const SCRIPT = fileURLToPath(new URL('../support/tester-client.py', import.meta.url));
const RESULTS = 10_000;
const NAME =
  'a client in Python streams, is cut twice at random, resumes, and finds every result once at another fab';

test(NAME, { skip: pythonLacks() ?? false }, async (t) => {
  const [tw, az] = (await startNodes(t, ['tw', 'az'])) as [LocalNode, LocalNode];
  const link = await openLink(Number(tw.address.split(':')[1]));
  t.after(() => link.close());
  const stubs = temporaryFolder(t);
  await makeStubs(stubs);
  const python = (...args: string[]) =>
    spawn(PYTHON, [SCRIPT, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, PYTHONPATH: stubs, PYTHONDONTWRITEBYTECODE: '1' },
    });

  const cutAfter = [0.1 + 0.3 * Math.random(), 0.5 + 0.3 * Math.random()].map((share) => share * RESULTS);
  t.diagnostic(`cut after ${cutAfter.map(Math.round).join(' and ')} results`);
  const streaming = python('stream', link.address, String(RESULTS));
  let answer = '';
  for await (const line of createInterface({ input: streaming.stdout! })) {
    answer = line;
    const through = Number(/^through (\d+)$/.exec(line)?.[1] ?? 0);
    if (through < (cutAfter[0] ?? Number.POSITIVE_INFINITY)) continue;
    cutAfter.shift();
    link.cut();
    link.heal();
  }
  const [code] = streaming.exitCode === null ? await once(streaming, 'exit') : [streaming.exitCode];
  assert.equal(code, 0);
  const { calls, through, run_id } = JSON.parse(answer);
  assert.deepEqual([through, cutAfter], [RESULTS, []]);
  assert.ok(calls >= 3, `${calls} calls`);
  assert.match(run_id, /^[0-9a-f]{32}$/);

  await hasResults(az, RESULTS);
  const found = await ended(python('find', az.address, String(RESULTS)));
  assert.deepEqual(JSON.parse(found.stdout), { once: RESULTS, others: 0 });
  const kept = await keptAt(az.address);
  assert.deepEqual([kept.attempts, kept.results], [RESULTS / 100, RESULTS]);
});
