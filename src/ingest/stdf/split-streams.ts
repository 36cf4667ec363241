import { isFarHeader, readFar } from './framing.ts';

/** Bytes that tell how a stream is written: its FAR record. */
const FAR_BYTES = 6;
const HEADER_BYTES = 4;
const NOTHING = Buffer.alloc(0);

/**
 * Cuts the bytes of a file into its STDF streams: one begins with each FAR record that stands where a record may begin.
 * Files that were put together one behind the other are so taken apart again. Gives each stream in chunks,
 * to be read before the next is asked for. There is always a first one, empty for an empty file.
 *
 * Invariant: of a chunk that was given out nothing is kept but the header of a record that it cuts.
 */
export async function* splitStreams(chunks: AsyncIterable<Buffer>): AsyncGenerator<AsyncIterable<Buffer>> {
  const source = chunks[Symbol.asyncIterator]();
  try {
    let rest: Buffer | null = NOTHING;
    while (rest) {
      const cutter: StreamCutter = new StreamCutter(source, rest);
      yield cutter.chunks();
      rest = await cutter.rest();
    }
  } finally {
    await source.return?.();
  }
}

/** Follows the records of one stream until the next begins. */
class StreamCutter {
  readonly #source: AsyncIterator<Buffer>;
  /** Bytes not given out yet. */
  #data: Buffer;
  /** Null until the stream's FAR is there. */
  #bigEndian: boolean | null = null;
  /** Not STDF: nothing is told of its records. */
  #opaque = false;
  /** Bytes of the record under way that are still to come. */
  #skip = 0;
  #next: Buffer | null = null;
  #ended = false;

  /** `data`: bytes that were read already. */
  constructor(source: AsyncIterator<Buffer>, data: Buffer) {
    this.#source = source;
    this.#data = data;
  }

  /** The stream's bytes. */
  async *chunks(): AsyncGenerator<Buffer> {
    while (!this.#ended) {
      const chunk = await this.#take();
      if (chunk.length > 0) yield chunk;
    }
  }

  /** The first bytes of the next stream; null if none follows. Reads this one to its end. */
  async rest(): Promise<Buffer | null> {
    while (!this.#ended) await this.#take();
    return this.#next;
  }

  /** Bytes of this stream, maybe none yet. */
  async #take(): Promise<Buffer> {
    const { done, value } =
      this.#data.length >= FAR_BYTES ? { done: false, value: NOTHING } : await this.#source.next();
    const data = this.#data.length === 0 ? value : Buffer.concat([this.#data, value ?? NOTHING]);
    this.#data = NOTHING;
    if (done) {
      this.#ended = true;
      return data ?? NOTHING;
    }
    return this.#cut(data);
  }

  #cut(data: Buffer): Buffer {
    let at = this.#skip;
    if (this.#bigEndian === null && !this.#opaque) {
      if (data.length < FAR_BYTES) return this.#keep(data, 0);
      const far = readFar(data);
      this.#opaque = far === null;
      this.#bigEndian = far?.bigEndian ?? null;
      if (far) at = HEADER_BYTES + lengthAt(data, 0, far.bigEndian);
    }
    if (this.#opaque) return data;
    const bigEndian = this.#bigEndian === true;
    const { length } = data;
    while (at + HEADER_BYTES <= length) {
      if (isFarHeader(data, at)) return this.#end(data, at);
      at += HEADER_BYTES + lengthAt(data, at, bigEndian);
    }
    if (at < length) return this.#keep(data, at);
    this.#skip = at - length;
    return data;
  }

  /** Gives the bytes before an offset, and keeps the others: the header of a record that is not whole. */
  #keep(data: Buffer, at: number): Buffer {
    this.#skip = 0;
    this.#data = data.subarray(at);
    return data.subarray(0, at);
  }

  #end(data: Buffer, at: number): Buffer {
    this.#ended = true;
    this.#next = data.subarray(at);
    return data.subarray(0, at);
  }
}

function lengthAt(data: Buffer, at: number, bigEndian: boolean): number {
  return bigEndian ? (data[at]! << 8) | data[at + 1]! : data[at]! | (data[at + 1]! << 8);
}
