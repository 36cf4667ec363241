import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { WAN_BUFFER_BYTES, WanPipe, type WanTime } from '../support/wan-pipe.ts';
import { WanProxy } from '../support/wan-proxy.ts';

/** Time that stands still until it is moved. */
class ManualTime implements WanTime {
  #nowMs = 0;
  #timers: { readonly atMs: number; readonly run: () => void }[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  to(ms: number): void {
    for (;;) {
      const [next] = this.#timers.filter(({ atMs }) => atMs <= ms).sort((a, b) => a.atMs - b.atMs);
      if (!next) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#nowMs = next.atMs;
      next.run();
    }
    this.#nowMs = ms;
  }
}

const CLEAR = { delayMs: 0, bytesPerSecond: Number.POSITIVE_INFINITY, stalled: false };

function pipe(conditions: Partial<typeof CLEAR>) {
  const time = new ManualTime();
  const [source, sink] = [new PassThrough(), new PassThrough({ highWaterMark: 2 ** 30 })];
  let passed = 0;
  const one = new WanPipe(source, sink, time, (bytes) => {
    passed += bytes;
  });
  one.set({ ...CLEAR, ...conditions });
  return { time, source, sink, one, passed: () => passed };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('bytes take as long as the delay says, in order, and those under way keep to a change of it', async () => {
  const { time, source, sink, one } = pipe({ delayMs: 100 });
  source.write('a');
  await turn();
  time.to(60);
  source.write('b');
  await turn();
  time.to(99);
  assert.equal(sink.read(), null);
  time.to(100);
  assert.equal(String(sink.read()), 'a');
  time.to(159);
  assert.equal(sink.read(), null);
  one.set({ ...CLEAR, delayMs: 90 });
  assert.equal(String(sink.read()), 'b');
});

test('a cap passes that many bytes a second, evenly', async () => {
  const { time, source, passed } = pipe({ bytesPerSecond: 10_000 });
  source.write(Buffer.alloc(20_000));
  await turn();
  for (const [ms, least, most] of [
    [500, 5_000, 5_200],
    [1_000, 10_000, 10_200],
    [2_000, 20_000, 20_000],
  ] as const) {
    time.to(ms);
    assert.ok(passed() >= least && passed() <= most, `${passed()} bytes in ${ms} ms`);
  }
});

test('what is stalled is held up to a bound; then the sender is not read; the end comes behind it all', async () => {
  const { source, sink, one, passed } = pipe({ stalled: true });
  source.write(Buffer.alloc(4 * WAN_BUFFER_BYTES, 7));
  source.end();
  await turn();
  assert.equal(passed(), 0);
  assert.ok(source.isPaused());
  one.set(CLEAR);
  const chunks = await sink.toArray();
  assert.equal(Buffer.concat(chunks).length, 4 * WAN_BUFFER_BYTES);
  assert.equal(one.heldBytes, 0);
});

/** A proxy before a server that echoes. */
async function echo(t: TestContext) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxy = await WanProxy.open((server.address() as AddressInfo).port);
  t.after(async () => {
    await proxy.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const dial = () => {
    const [host, port] = proxy.address.split(':') as [string, string];
    const socket = connect({ host, port: Number(port) });
    socket.on('error', () => {});
    t.after(() => socket.destroy());
    return socket;
  };
  return { proxy, dial };
}

test('a link passes both ways, is cut with what flows on it, refuses, and passes again when healed', async (t) => {
  const { proxy, dial } = await echo(t);
  const first = dial();
  first.write('hello');
  assert.equal(String((await once(first, 'data'))[0]), 'hello');
  assert.equal(proxy.passedBytes, 10);
  proxy.cut();
  await once(first, 'close');
  const refused = dial();
  await once(refused, 'close');
  assert.equal(proxy.connections, 0);
  proxy.heal();
  const again = dial();
  again.write('hi');
  assert.equal(String((await once(again, 'data'))[0]), 'hi');
});

test('a sender against a stalled link is stopped by it within its bounds, and loses nothing', async (t) => {
  const { proxy, dial } = await echo(t);
  proxy.stall('there');
  const socket = dial();
  const bytes = 32 * 1024 * 1024;
  let written = 0;
  // Until the systems' own buffers are full as well.
  for (let full = false; !full && written < bytes; written += 65_536)
    full = !socket.write(Buffer.alloc(65_536));
  const drained = once(socket, 'drain');
  const held = () => proxy.heldBytes;
  while (held() < WAN_BUFFER_BYTES && proxy.connections === 0) await turn();
  assert.ok(held() <= WAN_BUFFER_BYTES + 65_536 * 16, `${held()} bytes are held`);
  assert.equal(proxy.passedBytes, 0);
  proxy.heal();
  let back = 0;
  socket.on('data', (chunk: Buffer) => {
    back += chunk.length;
  });
  await drained;
  socket.end();
  await once(socket, 'close');
  assert.equal(back, written);
});

test('flapping cuts and opens by turns, and healing ends it', async (t) => {
  const { proxy, dial } = await echo(t);
  proxy.flap(20, 20);
  for (let down = 0; down < 3; down++) await once(dial(), 'close');
  proxy.heal();
  const socket = dial();
  socket.write('x');
  assert.equal(String((await once(socket, 'data'))[0]), 'x');
});
