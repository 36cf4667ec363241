import { createHash } from 'node:crypto';

/** Characters gathered before they are hashed: one call to the hash costs as much as hashing some hundred bytes. */
const GATHERED = 16_384;

/** SHA-256 over text as UTF-8, cheap for many short pieces. */
export class TextDigest {
  readonly #hash = createHash('sha256');
  #gathered = '';

  add(text: string): void {
    this.#gathered += text;
    if (this.#gathered.length >= GATHERED) this.#flush();
  }

  /** 64 hex digits; ends the digest. */
  hex(): string {
    this.#flush();
    return this.#hash.digest('hex');
  }

  #flush(): void {
    this.#hash.update(this.#gathered);
    this.#gathered = '';
  }
}
