/** Reads chunks of any size as a whole: looks ahead, takes exact numbers of bytes, puts back what it did not use. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #ahead: Buffer[] = [];
  #ended = false;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** The next chunk, never empty; null at the end. */
  async next(): Promise<Buffer | null> {
    const ahead = this.#ahead.pop();
    if (ahead) return ahead;
    while (!this.#ended) {
      const { done, value } = await this.#chunks.next();
      if (done) this.#ended = true;
      else if (value.length > 0) return Buffer.from(value.buffer, value.byteOffset, value.length);
    }
    return null;
  }

  /** Puts bytes back, to be read next. */
  unread(bytes: Buffer): void {
    if (bytes.length > 0) this.#ahead.push(bytes);
  }

  /** Takes the next `count` bytes; fewer at the end. `count` is small. */
  async take(count: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    let missing = count;
    while (missing > 0) {
      const chunk = await this.next();
      if (!chunk) break;
      parts.push(chunk.subarray(0, missing));
      this.unread(chunk.subarray(missing));
      missing -= Math.min(missing, chunk.length);
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }

  /** The next `count` bytes, fewer at the end, without taking them. */
  async peek(count: number): Promise<Buffer> {
    const head = await this.take(count);
    this.unread(head);
    return head;
  }

  /** Lets go of the source, read to its end or not. */
  async close(): Promise<void> {
    this.#ended = true;
    await this.#chunks.return?.();
  }
}
