/** Fields of a PTR; those behind a missing one are not written. */
export interface PtrFields {
  readonly number?: number;
  readonly head?: number;
  readonly site?: number;
  readonly flags?: number;
  readonly parm?: number;
  /** Float32 bits of RESULT. */
  readonly bits?: number;
  /** TEST_TXT; a Buffer for bytes that are no UTF-8. */
  readonly name?: string | Buffer;
  readonly limits?: LimitFields;
  /** Bytes behind the last field. */
  readonly trailing?: Buffer;
}

/** OPT_FLAG and what follows it. */
export interface LimitFields {
  readonly opt?: number;
  readonly scale?: number;
  readonly low?: number;
  readonly high?: number;
  readonly units?: string | Buffer;
  readonly lowSpec?: number;
  readonly highSpec?: number;
}

/** Fields of a PRR. */
export interface PrrFields {
  readonly head?: number;
  readonly site?: number;
  readonly flags?: number;
  readonly tests?: number;
  readonly hardBin?: number;
  readonly softBin?: number;
  readonly x?: number;
  readonly y?: number;
  readonly ms?: number;
  readonly id?: string | Buffer;
}

/** Writes raw STDF records field by field, in either byte order. Knows nothing of what makes a sound file. */
export class StdfRecords {
  readonly #big: boolean;

  constructor(bigEndian = false) {
    this.#big = bigEndian;
  }

  record(type: number, subtype: number, ...fields: Buffer[]): Buffer {
    const body = Buffer.concat(fields);
    return Buffer.concat([this.u2(body.length), Buffer.of(type, subtype), body]);
  }

  far(cpuType = this.#big ? 1 : 2): Buffer {
    return this.record(0, 10, Buffer.of(cpuType, 4));
  }

  /** `texts` are LOT_ID, PART_TYP, NODE_NAM and so on. */
  mir(startSeconds: number, setupSeconds: number, ...texts: string[]): Buffer {
    const head = Buffer.concat([
      this.u4(setupSeconds),
      this.u4(startSeconds),
      Buffer.from('\u0001P  ', 'latin1'),
    ]);
    return this.record(
      1,
      10,
      head,
      this.u2(0xffff),
      Buffer.from(' '),
      ...texts.map((text) => this.text(text)),
    );
  }

  mrr(): Buffer {
    return this.record(1, 20, this.u4(0));
  }

  wir(head: number, waferId: string, startSeconds = 0): Buffer {
    return this.record(2, 10, Buffer.of(head, 255), this.u4(startSeconds), this.text(waferId));
  }

  wrr(head: number, waferId: string): Buffer {
    const counts = [0, 0, 0, 0, 0, 0].map((count) => this.u4(count));
    return this.record(2, 20, Buffer.of(head, 255), ...counts, this.text(waferId));
  }

  pir(head = 1, site = 1): Buffer {
    return this.record(5, 10, Buffer.of(head, site));
  }

  prr(fields: PrrFields = {}): Buffer {
    const { head = 1, site = 1, flags = 0, tests = 0, hardBin = 1, softBin = 1 } = fields;
    const { x = 1, y = 1, ms = 0, id = '' } = fields;
    const bins = [tests, hardBin, softBin].map((bin) => this.u2(bin));
    const place = [x, y].map((at) => this.u2(at & 0xffff));
    return this.record(5, 20, Buffer.of(head, site, flags), ...bins, ...place, this.u4(ms), this.text(id));
  }

  ptr(fields: PtrFields = {}): Buffer {
    const { number = 1, head = 1, site = 1, flags = 0, parm = 0, bits = 0, name, limits, trailing } = fields;
    const parts = [this.u4(number), Buffer.of(head, site, flags, parm), this.u4(bits)];
    if (name !== undefined || limits) parts.push(this.text(name ?? ''));
    if (limits) {
      parts.push(this.text(''), this.#optional(limits), this.text(limits.units ?? ''), ...this.#formats());
      parts.push(this.f4(limits.lowSpec ?? 0), this.f4(limits.highSpec ?? 0));
    }
    return this.record(15, 10, ...parts, trailing ?? Buffer.alloc(0));
  }

  mpr(fields: PtrFields & { readonly values: readonly number[]; readonly pins?: number }): Buffer {
    const { number = 1, head = 1, site = 1, flags = 0, parm = 0, values, pins = 0, name, limits } = fields;
    const parts = [
      this.u4(number),
      Buffer.of(head, site, flags, parm),
      this.u2(pins),
      this.u2(values.length),
    ];
    parts.push(Buffer.alloc((pins + 1) >> 1), ...values.map((bits) => this.u4(bits)));
    if (name !== undefined || limits) parts.push(this.text(name ?? ''));
    if (limits) {
      parts.push(this.text(''), this.#optional(limits), this.f4(0), this.f4(0), Buffer.alloc(2 * pins));
      parts.push(this.text(limits.units ?? ''), this.text('in'), ...this.#formats());
      parts.push(this.f4(limits.lowSpec ?? 0), this.f4(limits.highSpec ?? 0));
    }
    return this.record(15, 15, ...parts);
  }

  ftr(fields: Omit<PtrFields, 'limits'> & { readonly pins?: number; readonly failBits?: number }): Buffer {
    const { number = 1, head = 1, site = 1, flags = 0, pins = 0, failBits = 0, name = '' } = fields;
    const fixed = Buffer.concat([this.u4(number), Buffer.of(head, site, flags), Buffer.alloc(1 + 6 * 4 + 2)]);
    const returned = Buffer.alloc(pins * 2 + ((pins + 1) >> 1), 0x55);
    const failed = Buffer.concat([this.u2(failBits), Buffer.alloc((failBits + 7) >> 3, 0xff)]);
    const texts = ['vector', 'timing', 'op', name].map((text) => this.text(text));
    return this.record(15, 20, fixed, this.u2(pins), this.u2(pins), returned, returned, failed, ...texts);
  }

  u2(value: number): Buffer {
    return this.#number(2, (bytes) => (this.#big ? bytes.writeUInt16BE(value) : bytes.writeUInt16LE(value)));
  }

  u4(value: number): Buffer {
    return this.#number(4, (bytes) => (this.#big ? bytes.writeUInt32BE(value) : bytes.writeUInt32LE(value)));
  }

  f4(value: number): Buffer {
    return this.#number(4, (bytes) => (this.#big ? bytes.writeFloatBE(value) : bytes.writeFloatLE(value)));
  }

  text(text: string | Buffer): Buffer {
    const bytes = Buffer.from(text as string);
    return Buffer.concat([Buffer.of(bytes.length), bytes]);
  }

  #optional({ opt = 0x0e, scale = 0, low = 0, high = 0 }: LimitFields): Buffer {
    return Buffer.concat([
      Buffer.of(opt, scale & 0xff, scale & 0xff, scale & 0xff),
      this.f4(low),
      this.f4(high),
    ]);
  }

  #formats(): Buffer[] {
    return ['%9.3f', '%9.3f', '%9.3f'].map((format) => this.text(format));
  }

  #number(bytes: number, write: (into: Buffer) => void): Buffer {
    const into = Buffer.alloc(bytes);
    write(into);
    return into;
  }
}

/** Bits of the float32 nearest to a value. */
export function bitsOf(value: number): number {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatBE(value);
  return bytes.readUInt32BE();
}

/** Bytes as an async source, in chunks of the given sizes, repeated until all is given. */
export async function* inChunks(
  bytes: Buffer,
  sizes: readonly number[] = [bytes.length],
): AsyncGenerator<Buffer> {
  let at = 0;
  for (let turn = 0; at < bytes.length; turn++) {
    const end = at + Math.max(1, sizes[turn % sizes.length] ?? 1);
    yield bytes.subarray(at, end);
    at = end;
  }
}
