import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { silentLog } from '../../src/log.ts';
import { OpenTelemetry } from '../../src/telemetry/tracing/open-telemetry.ts';
import { ManualWorld } from '../support/manual-world.ts';

/** What the processor sends at once, and what waits behind that. */
const TAKEN = 512 + 4_096;
/** What does not come never does: the tests must not wait for ever. */
const BOUNDED = { timeout: 60_000 };

/** A collector that takes requests and answers none before it is told to. */
async function slowCollector(t: TestContext) {
  const waiting: ServerResponse[] = [];
  let [answering, spans] = [false, 0];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { resourceSpans } = JSON.parse(Buffer.concat(chunks).toString());
    spans += resourceSpans[0].scopeSpans[0].spans.length;
    if (answering) response.end('{}');
    else waiting.push(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`,
    came: () => spans,
    answer() {
      answering = true;
      for (const response of waiting) response.end('{}');
    },
  };
}

/** Spans to a collector, and what the log says of them. */
function tracing(endpoint: string) {
  const world = new ManualWorld();
  const lines: object[] = [];
  const log = { ...silentLog, warn: (event: string, fields?: object) => lines.push({ event, ...fields }) };
  const sink = new OpenTelemetry({ endpoint, ratio: 1, fab: 'tw', version: 'test', world, log });
  const add = (count: number) => {
    const ids = new Set<string>();
    for (let i = 0; i < count; i++) {
      const span = { traceId: 'a'.repeat(32), parentId: 'b'.repeat(16), name: 'queue', facts: {} };
      ids.add(sink.add({ ...span, beganMs: i, endedMs: i }));
    }
    return ids;
  };
  return { sink, world, lines, add };
}

test(
  'what waits for a slow collector is bounded, what is dropped is told now and then, and nobody waits',
  BOUNDED,
  async (t) => {
    const collector = await slowCollector(t);
    const { sink, world, lines, add } = tracing(collector.endpoint);
    assert.equal(add(TAKEN).size, TAKEN);
    assert.deepEqual(lines, []);
    assert.equal(add(3).size, 3, 'what is dropped has an id too, for what would hang on it');
    assert.deepEqual(lines, [{ event: 'tracing.dropped', lost: 1, waiting: 4_096 }]);
    world.advance(600_000);
    add(2);
    assert.deepEqual(lines.slice(1), [{ event: 'tracing.dropped', lost: 3, waiting: 4_096 }]);
    collector.answer();
    await sink.close();
    assert.equal(collector.came(), TAKEN, 'all that waited is sent in the end');
  },
);

test('a collector that never answers does not keep a node from stopping', BOUNDED, async (t) => {
  const collector = await slowCollector(t);
  const { sink, world, lines, add } = tracing(collector.endpoint);
  add(600);
  const closed = sink.close();
  world.advance(1_000);
  await closed;
  assert.deepEqual(lines, [], 'nothing has failed yet: it was not waited for');
  collector.answer();
});
