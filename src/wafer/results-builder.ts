import type { Results } from './attempt.ts';

const scratch = new Float32Array(1);

/** Collects the results of one attempt in growing columns. */
export class ResultsBuilder {
  #length = 0;
  #valueCount = 0;
  #tests = new Uint32Array(64);
  #testFlags = new Int16Array(64);
  #parmFlags = new Int16Array(64);
  #valueCounts = new Uint32Array(64);
  /** Bits of float32 values; unused once a value did not survive float32. */
  #bits = new Uint32Array(64);
  #doubles: Float64Array<ArrayBuffer> | null = null;
  #times: number[] = [];
  #hasTimes = false;

  get length(): number {
    return this.#length;
  }

  /** Begins a result; its values follow by {@link value32} or {@link value64}. Flags: −1 where absent. */
  result(test: number, testFlags: number, parmFlags: number, timeUs = 0): void {
    if (this.#length === this.#tests.length) this.#growResults();
    this.#tests[this.#length] = test;
    this.#testFlags[this.#length] = testFlags;
    this.#parmFlags[this.#length] = parmFlags;
    this.#valueCounts[this.#length] = 0;
    this.#times.push(timeUs);
    if (timeUs !== 0) this.#hasTimes = true;
    this.#length++;
  }

  /** Adds a float32 value by its bits to the last result. */
  value32(bits: number): void {
    if (this.#doubles) {
      this.#push64(this.#doubles, toFloat32(bits));
      return;
    }
    if (this.#valueCount === this.#bits.length) this.#bits = grown(this.#bits, Uint32Array);
    this.#bits[this.#valueCount++] = bits;
    this.#valueCounts[this.#length - 1]!++;
  }

  /** Adds a value to the last result, as float32 where it survives that. */
  value64(value: number): void {
    scratch[0] = value;
    if (!this.#doubles && Object.is(scratch[0], value)) {
      this.value32(new Uint32Array(scratch.buffer)[0]!);
      return;
    }
    this.#doubles ??= Float64Array.from(new Float32Array(this.#bits.buffer));
    this.#push64(this.#doubles, value);
  }

  /** The results so far; the builder is empty afterwards. */
  take(): Results {
    const count = this.#length;
    const values = this.#doubles
      ? this.#doubles.slice(0, this.#valueCount)
      : new Float32Array(this.#bits.slice(0, this.#valueCount).buffer);
    const results: Results = {
      length: count,
      tests: this.#tests.slice(0, count),
      testFlags: this.#testFlags.slice(0, count),
      parmFlags: this.#parmFlags.slice(0, count),
      valueCounts: this.#valueCounts.slice(0, count),
      values,
      timesUs: this.#hasTimes ? Float64Array.from(this.#times) : null,
    };
    this.#length = 0;
    this.#valueCount = 0;
    this.#doubles = null;
    this.#times = [];
    this.#hasTimes = false;
    return results;
  }

  #push64(doubles: Float64Array<ArrayBuffer>, value: number): void {
    const room = this.#valueCount === doubles.length ? grown(doubles, Float64Array) : doubles;
    room[this.#valueCount++] = value;
    this.#valueCounts[this.#length - 1]!++;
    this.#doubles = room;
  }

  #growResults(): void {
    this.#tests = grown(this.#tests, Uint32Array);
    this.#testFlags = grown(this.#testFlags, Int16Array);
    this.#parmFlags = grown(this.#parmFlags, Int16Array);
    this.#valueCounts = grown(this.#valueCounts, Uint32Array);
  }
}

type Column = Uint32Array<ArrayBuffer> | Int16Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

function grown<T extends Column>(column: T, make: new (length: number) => T): T {
  const larger = new make(column.length * 2);
  larger.set(column);
  return larger;
}

function toFloat32(bits: number): number {
  return new Float32Array(Uint32Array.of(bits).buffer)[0]!;
}
