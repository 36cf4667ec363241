import type { Readable, Writable } from 'node:stream';

/** What a link does to the bytes of one direction. */
export interface WanConditions {
  /** How long each byte takes, milliseconds. */
  readonly delayMs: number;
  /** Bytes a second; Infinity: as many as come. */
  readonly bytesPerSecond: number;
  /** Nothing passes; what comes is taken until the buffer is full, and then no more. */
  readonly stalled: boolean;
}

/** Time, as a link needs it. */
export interface WanTime {
  nowMs(): number;
  after(delayMs: number, run: () => void): () => void;
}

/** Bytes of a direction that are held before its sender is read no more. */
export const WAN_BUFFER_BYTES = 256 * 1024;

/** Under a cap, pieces are as large as what passes in this time, so that the flow is even. */
const PIECE_MS = 20;

/** One direction of one connection: bytes leave in order, each after the delay, no faster than the cap. */
export class WanPipe {
  readonly #source: Readable;
  readonly #sink: Writable;
  readonly #time: WanTime;
  readonly #passed: (bytes: number) => void;
  #conditions: WanConditions = { delayMs: 0, bytesPerSecond: Number.POSITIVE_INFINITY, stalled: false };
  /** What waits, with the time at which it came. */
  readonly #waiting: { bytes: Buffer; readonly cameMs: number }[] = [];
  #heldBytes = 0;
  /** The sender has ended; told to the receiver behind everything. */
  #ended = false;
  /** When the line is free for the next piece. */
  #freeMs = 0;
  /** The receiver takes no more for now. */
  #full = false;
  #cancel = () => {};

  constructor(source: Readable, sink: Writable, time: WanTime, passed: (bytes: number) => void) {
    this.#source = source;
    this.#sink = sink;
    this.#time = time;
    this.#passed = passed;
    source.on('data', (bytes: Buffer) => {
      this.#waiting.push({ bytes, cameMs: time.nowMs() });
      this.#heldBytes += bytes.length;
      if (this.#heldBytes >= WAN_BUFFER_BYTES) source.pause();
      this.#pump();
    });
    source.on('end', () => {
      this.#ended = true;
      this.#pump();
    });
    sink.on('drain', () => {
      this.#full = false;
      this.#pump();
    });
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  set(conditions: WanConditions): void {
    this.#conditions = conditions;
    this.#freeMs = 0;
    this.#pump();
  }

  close(): void {
    this.#cancel();
    this.#waiting.length = 0;
    this.#heldBytes = 0;
  }

  #pump(): void {
    this.#cancel();
    this.#cancel = () => {};
    const { delayMs, bytesPerSecond, stalled } = this.#conditions;
    while (!stalled && !this.#full && !this.#sink.destroyed) {
      const first = this.#waiting[0];
      if (!first) {
        if (this.#ended && !this.#sink.writableEnded) this.#sink.end();
        return;
      }
      const now = this.#time.nowMs();
      const early = Math.max(first.cameMs + delayMs, this.#freeMs) - now;
      if (early > 0) {
        this.#cancel = this.#time.after(Math.ceil(early), () => this.#pump());
        return;
      }
      const piece = this.#take(first, Math.max(1, Math.floor((bytesPerSecond * PIECE_MS) / 1000)));
      this.#freeMs = Math.max(now, this.#freeMs) + (piece.length / bytesPerSecond) * 1000;
      this.#full = !this.#sink.write(piece);
      this.#passed(piece.length);
    }
  }

  /** Takes up to `most` bytes from the front. */
  #take(first: { bytes: Buffer }, most: number): Buffer {
    const piece = first.bytes.subarray(0, most);
    if (piece.length < first.bytes.length) first.bytes = first.bytes.subarray(piece.length);
    else this.#waiting.shift();
    this.#heldBytes -= piece.length;
    if (this.#heldBytes < WAN_BUFFER_BYTES && this.#source.isPaused()) this.#source.resume();
    return piece;
  }
}
