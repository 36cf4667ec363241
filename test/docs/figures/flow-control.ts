// Prints how fast grpc-js sends in either direction over a link of 250 ms round trip: docs/adr/0005.
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Client, credentials, Server, ServerCredentials } from '@grpc/grpc-js';

const DELAY_MS = 125;
const MESSAGE = Buffer.alloc(64 * 1024);
const WINDOW_BYTES = 16 * 1024 * 1024;

const same = (bytes: Buffer) => bytes;
const method = {
  path: '/figure/Flow',
  requestStream: true,
  responseStream: true,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
} as const;

/** What flows in one direction reaches the other side after the delay. */
function delay(from: Socket, to: Socket): void {
  from.on('data', (chunk) => setTimeout(() => to.writable && to.write(chunk), DELAY_MS));
  from.on('error', () => to.destroy());
  from.on('close', () => to.destroy());
}

/** Writes until so many bytes have gone, or the time is over. */
function send(
  sink: { write(message: Buffer): boolean; on(event: 'drain', run: () => void): unknown },
  bytes: number,
): void {
  let left = bytes;
  const pump = () => {
    while (left > 0) {
      left -= MESSAGE.length;
      if (!sink.write(MESSAGE)) return;
    }
  };
  sink.on('drain', pump);
  pump();
}

/** Megabytes a second that arrive within some seconds. */
function rate(
  source: { on(event: 'data', take: (chunk: Buffer) => void): unknown },
  ms: number,
): Promise<string> {
  let bytes = 0;
  source.on('data', (chunk) => {
    bytes += chunk.length;
  });
  return new Promise((resolve) => setTimeout(() => resolve((bytes / ms / 1000).toFixed(2)), ms));
}

const SECONDS = 8;
const server = new Server({ 'grpc-node.flow_control_window': WINDOW_BYTES });
let arrived: Promise<string> = Promise.resolve('');
server.addService(
  { Flow: method },
  {
    Flow: (call: import('@grpc/grpc-js').ServerDuplexStream<Buffer, Buffer>) => {
      call.on('error', () => {});
      if (call.metadata.get('pull').length > 0) send(call, 1 << 30);
      else arrived = rate(call, SECONDS * 1000);
    },
  },
);
const port = await new Promise<number>((resolve, reject) =>
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
    error ? reject(error) : resolve(bound),
  ),
);
const proxy = createServer((near) => {
  const far = connect({ host: '127.0.0.1', port });
  delay(near, far);
  delay(far, near);
});
await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
const address = `127.0.0.1:${(proxy.address() as AddressInfo).port}`;

const { Metadata } = await import('@grpc/grpc-js');
for (const [name, pull, window] of [
  ['pushed, client to server, window set on both sides', false, WINDOW_BYTES],
  ['pulled, server to client, default window', true, undefined],
  ['pulled, server to client, window of 16 MiB', true, WINDOW_BYTES],
] as const) {
  const client = new Client(address, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
    ...(window === undefined ? {} : { 'grpc-node.flow_control_window': window }),
  });
  const metadata = new Metadata();
  if (pull) metadata.set('pull', '1');
  const call = client.makeBidiStreamRequest(method.path, same, same, metadata);
  call.on('error', () => {});
  if (pull) arrived = rate(call, SECONDS * 1000);
  else {
    send(call, 1 << 30);
    await new Promise((resolve) => setTimeout(resolve, 1500));
  }
  console.log(`${name}: ${await arrived} MB/s`);
  call.cancel();
  client.close();
}
server.forceShutdown();
proxy.close();
process.exit(0);
