import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { WafersyncError } from '../../src/errors.ts';
import type { Log } from '../../src/log.ts';
import { silentLog } from '../../src/log.ts';
import { type MetricsSource, serveMetrics } from '../../src/telemetry/metrics/metrics-server.ts';
import { Journal } from '../support/grpc-client.ts';

const SOURCE: MetricsSource = {
  contentType: 'text/plain; version=0.0.4; charset=utf-8',
  text: async () => '# TYPE up gauge\nup 1\n',
};

async function serve(t: TestContext, source = SOURCE, log: Log = silentLog) {
  const server = await serveMetrics(source, { host: '127.0.0.1', port: 0 }, log);
  t.after(() => server.close());
  return { server, url: (path: string) => `http://127.0.0.1:${server.port}${path}` };
}

test('the metrics are at /metrics, whatever stands behind a question mark', async (t) => {
  const { url } = await serve(t);
  for (const path of ['/metrics', '/metrics?name=up']) {
    const response = await fetch(url(path));
    assert.deepEqual([response.status, await response.text()], [200, '# TYPE up gauge\nup 1\n']);
    assert.equal(response.headers.get('content-type'), SOURCE.contentType);
  }
});

test('another path is told where they are, and another method that it is not answered', async (t) => {
  const { url } = await serve(t);
  const elsewhere = await fetch(url('/'));
  assert.deepEqual([elsewhere.status, await elsewhere.text()], [404, 'The metrics are at /metrics.\n']);
  const posted = await fetch(url('/metrics'), { method: 'POST', body: 'x'.repeat(100_000) });
  assert.deepEqual([posted.status, await posted.text()], [405, 'Only GET is answered here.\n']);
  assert.equal(posted.headers.get('allow'), 'GET');
});

test('metrics that cannot be read are answered with 500, and the log says why', async (t) => {
  const journal = new Journal();
  const broken = {
    ...SOURCE,
    text: () => Promise.reject(new WafersyncError('damaged', 'the page is damaged')),
  };
  const { url } = await serve(t, broken, journal);
  const response = await fetch(url('/metrics'));
  assert.equal(response.status, 500);
  assert.match(await response.text(), /the log of the node says why/);
  assert.deepEqual(
    journal.lines.map(({ event, error }) => [event, (error as Error).message]),
    [['metrics.failed', 'the page is damaged']],
  );
});

test('a head that is too large is refused', async (t) => {
  const { server } = await serve(t);
  const asked = request({ port: server.port, path: '/metrics', headers: { 'x-large': 'x'.repeat(10_000) } });
  asked.end();
  const [response] = await once(asked, 'response');
  response.resume();
  assert.equal(response.statusCode, 431);
});

test('of seventeen connections one is closed at once, and the others are served', async (t) => {
  const { server, url } = await serve(t);
  const sockets = Array.from({ length: 16 }, () => connect(server.port, '127.0.0.1'));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  // The server has taken those that it answers.
  sockets[15]!.write('GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n');
  await once(sockets[15]!, 'data');
  await assert.rejects(fetch(url('/metrics')));
});

test('a port that is taken is told with the key that says which', async (t) => {
  const { server } = await serve(t);
  await assert.rejects(
    serveMetrics(SOURCE, { host: '127.0.0.1', port: server.port }, silentLog),
    (error) =>
      error instanceof WafersyncError &&
      error.code === 'unavailable' &&
      error.line === `port ${server.port} on 127.0.0.1 is taken. Stop the other process or set metrics.port.`,
  );
});

test('closing ends connections that are open', async () => {
  const server = await serveMetrics(SOURCE, { host: '127.0.0.1', port: 0 }, silentLog);
  const socket = connect(server.port, '127.0.0.1');
  await once(socket, 'connect');
  const closed = once(socket, 'close');
  await server.close();
  await closed;
});
