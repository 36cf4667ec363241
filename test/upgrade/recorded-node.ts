import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServiceDefinition,
} from '@grpc/grpc-js';
import { toNumber } from '../../src/wire/long.ts';
import { dataSync } from '../../src/wire/services.ts';

const FIXTURES = join(import.meta.dirname, '..', 'fixtures');
const asIs = (bytes: Buffer) => bytes;
const { SyncWaferData, PullWaferData } = dataSync.methods;

type Call = ServerDuplexStream<Buffer, Buffer>;

/** Messages of a lane as a released version put them on the wire, in order. */
export function recorded(version: string, name: string): Buffer[] {
  const lines = readFileSync(join(FIXTURES, version, `${name}.jsonl`), 'utf8').split('\n');
  return lines.filter(Boolean).map((line) => Buffer.from(JSON.parse(line) as string, 'base64'));
}

/**
 * The node of tw in a recording between tw and az, without the program that it was: what tw put on the wire then, it
 * says again, byte for byte, to whoever is az now.
 */
export class RecordedNode {
  readonly #version: string;
  readonly #server = new Server();
  readonly #epoch: bigint;
  /** What az asked for on the catch-up lane, and was given. */
  pulls = 0;
  #port = 0;

  /** @param epoch of tw's database */
  constructor(version: string, epoch: number) {
    this.#version = version;
    this.#epoch = BigInt(epoch);
    this.#server.addService(rawService(), {
      SyncWaferData: (call: Call) => this.#greet(call),
      PullWaferData: (call: Call) => this.#answerPulls(call),
    });
  }

  /** Listens; answers host:port. */
  async start(): Promise<string> {
    this.#port = await new Promise<number>((resolve, reject) =>
      this.#server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
        error ? reject(error) : resolve(port),
      ),
    );
    return `127.0.0.1:${this.#port}`;
  }

  /** Dials a node as tw did and says all that tw said on its live lane. Settles once the node has acknowledged it all. */
  async push(address: string): Promise<void> {
    const client = new Client(address, credentials.createInsecure());
    const metadata = new Metadata();
    metadata.set('wafersync-fab', 'tw');
    metadata.set('wafersync-epoch', formatEpoch(this.#epoch));
    metadata.set('wafersync-protocol', '1');
    const call = client.makeBidiStreamRequest(SyncWaferData.path, asIs, asIs, metadata);
    const said = recorded(this.#version, 'SyncWaferData.request').filter(isOfTw);
    const updates = said.filter((bytes) => SyncWaferData.requestDeserialize(bytes).header?.length).length;
    try {
      await new Promise<void>((resolve, reject) => {
        call.on('error', reject);
        call.on('end', () => reject(new Error('the node ended the lane')));
        call.on('data', (bytes: Buffer) => {
          const { peer } = SyncWaferData.responseDeserialize(bytes);
          if (peer?.hello) for (const message of said) call.write(message);
          if (toNumber(peer?.acknowledged) >= updates) resolve();
        });
      });
    } finally {
      call.on('error', () => {});
      call.cancel();
      client.close();
    }
  }

  stop(): void {
    this.#server.forceShutdown();
  }

  /** Takes a live lane and says hello, as tw did. */
  #greet(call: Call): void {
    call.on('data', () => {});
    call.on('error', () => {});
    const [hello] = recorded(this.#version, 'SyncWaferData.response').filter(
      (bytes) => SyncWaferData.responseDeserialize(bytes).peer?.hello?.fab_id === 'tw',
    );
    call.write(hello!);
  }

  /** Gives the first who asks what tw gave, and ends the answer under the number that was asked under. */
  #answerPulls(call: Call): void {
    call.on('error', () => {});
    call.on('data', (bytes: Buffer) => {
      const { request_id } = PullWaferData.requestDeserialize(bytes);
      for (const answer of recorded(this.#version, 'PullWaferData.response')) {
        const { pull_end } = PullWaferData.responseDeserialize(answer);
        if (!pull_end && this.pulls === 0) call.write(answer);
        else if (pull_end)
          call.write(PullWaferData.responseSerialize({ pull_end: { ...pull_end, request_id } }));
      }
      this.pulls++;
    });
  }
}

/** Whether a message of the live lane was tw's: its updates and program, and what it announced. */
function isOfTw(bytes: Buffer): boolean {
  const { announcement } = SyncWaferData.requestDeserialize(bytes);
  return !announcement || announcement.report?.fab_id === 'tw';
}

function formatEpoch(epoch: bigint): string {
  return `${epoch >> 40n}-${(epoch & 0xff_ffff_ffffn).toString(16).padStart(10, '0')}`;
}

/** The service with messages as they come over the wire. */
function rawService(): ServiceDefinition {
  return Object.fromEntries(
    Object.entries(dataSync.methods).map(([name, { path, requestStream, responseStream }]) => [
      name,
      {
        ...{ path, requestStream, responseStream },
        ...{
          requestSerialize: asIs,
          requestDeserialize: asIs,
          responseSerialize: asIs,
          responseDeserialize: asIs,
        },
      },
    ]),
  );
}
