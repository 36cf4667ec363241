import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { type WanConditions, WanPipe, type WanTime } from './wan-pipe.ts';

/** A direction: `there` from who dials to who was dialled, `back` the other way. */
export type WanDirection = 'there' | 'back';

const CLEAR: WanConditions = { delayMs: 0, bytesPerSecond: Number.POSITIVE_INFINITY, stalled: false };
const DIRECTIONS: readonly WanDirection[] = ['there', 'back'];

/**
 * A TCP link on loopback that behaves as badly as a test wants, changed while it runs.
 *
 * Invariant: of each direction of each connection at most WAN_BUFFER_BYTES and one read more are held; past that, the
 * sender is not read.
 */
export class WanProxy {
  readonly #server: Server;
  readonly #time: WanTime;
  readonly #pipes: Readonly<Record<WanDirection, Set<WanPipe>>> = { there: new Set(), back: new Set() };
  readonly #conditions: Record<WanDirection, WanConditions> = { there: CLEAR, back: CLEAR };
  readonly #sockets = new Set<Socket>();
  #open = true;
  #passed = 0;
  /** Ends the flapping that is under way. */
  #stopFlapping = () => {};

  private constructor(port: number, time: WanTime) {
    this.#time = time;
    this.#server = createServer({ allowHalfOpen: true }, (near) => {
      if (this.#open) this.#join(near, connect({ host: '127.0.0.1', port, allowHalfOpen: true }));
      else near.destroy();
    });
  }

  /** Listens on a free loopback port and passes everything on to `port`. */
  static async open(port: number, time: WanTime = realTime): Promise<WanProxy> {
    const proxy = new WanProxy(port, time);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  /** host:port to dial. */
  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Bytes handed on so far, both directions. */
  get passedBytes(): number {
    return this.#passed;
  }

  /** Bytes held now, all connections, both directions. */
  get heldBytes(): number {
    const pipes = DIRECTIONS.flatMap((direction) => [...this.#pipes[direction]]);
    return pipes.reduce((sum, pipe) => sum + pipe.heldBytes, 0);
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#pipes.there.size;
  }

  /** Sets what happens to bytes from now on, those that are held included; of one direction, or of both. */
  set(conditions: Partial<WanConditions>, ...directions: readonly WanDirection[]): void {
    for (const direction of directions.length > 0 ? directions : DIRECTIONS) {
      this.#conditions[direction] = { ...this.#conditions[direction], ...conditions };
      for (const pipe of this.#pipes[direction]) pipe.set(this.#conditions[direction]);
    }
  }

  /** Accepts, and passes nothing. */
  stall(...directions: readonly WanDirection[]): void {
    this.set({ stalled: true }, ...directions);
  }

  /** Ends what flows and refuses what comes. */
  cut(): void {
    this.#open = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Passes everything at once again, and ends flapping. */
  heal(): void {
    this.#stopFlapping();
    this.#open = true;
    this.set(CLEAR);
  }

  /** Cuts and opens by turns until it is healed: up for some milliseconds, down for some. */
  flap(upMs: number, downMs: number): void {
    this.#stopFlapping();
    let cancel = () => {};
    const down = () => {
      this.cut();
      cancel = this.#time.after(downMs, up);
    };
    const up = () => {
      this.#open = true;
      cancel = this.#time.after(upMs, down);
    };
    this.#stopFlapping = () => cancel();
    up();
  }

  async close(): Promise<void> {
    this.#stopFlapping();
    this.cut();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #join(near: Socket, far: Socket): void {
    this.#pipe('there', near, far);
    this.#pipe('back', far, near);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      socket.setNoDelay(true);
      this.#sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
  }

  #pipe(direction: WanDirection, source: Socket, sink: Socket): void {
    const pipe = new WanPipe(source, sink, this.#time, (bytes) => {
      this.#passed += bytes;
    });
    pipe.set(this.#conditions[direction]);
    this.#pipes[direction].add(pipe);
    source.on('close', () => {
      pipe.close();
      this.#pipes[direction].delete(pipe);
    });
  }
}

const realTime: WanTime = {
  nowMs: () => performance.now(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};
