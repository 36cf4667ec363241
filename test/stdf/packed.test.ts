import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { Decompressed } from '../../src/ingest/stdf/decompress.ts';
import { inspectStdf } from '../../src/ingest/stdf/inspect.ts';
import { storedXz } from '../support/archives.ts';
import { BZIP2, BZIP2_ZEROS, TEXT, XZ } from '../support/packed-text.ts';
import { collect, inspectOnly } from '../support/read-stdf.ts';
import { inChunks, StdfRecords } from '../support/stdf-records.ts';

async function unpack(bytes: Buffer, sizes?: readonly number[]) {
  const source = new Decompressed(inChunks(bytes, sizes), 'test.stdf');
  const out = Buffer.concat(await collect(source));
  return { out, damage: source.damage, compression: source.compression };
}

const noise = Buffer.from(Array.from({ length: 200_000 }, (_, i) => Math.imul(i, 0x9e3779b1) >>> 24));

for (const [compression, packed] of [
  ['bzip2', BZIP2],
  ['xz', XZ],
] as const) {
  test(`${compression} is told by its magic bytes and decompressed, in whatever chunks it comes`, async () => {
    for (const size of [1, 5, 100, packed.length]) {
      const { out, ...facts } = await unpack(packed, [size]);
      assert.ok(out.equals(TEXT), `chunks of ${size}`);
      assert.deepEqual(facts, { damage: null, compression });
    }
  });

  test(`streams of ${compression} follow one another`, async () => {
    const { out, damage } = await unpack(Buffer.concat([packed, packed]), [700]);
    assert.ok(out.equals(Buffer.concat([TEXT, TEXT])));
    assert.equal(damage, null);
  });

  test(`${compression} cut at any byte gives a beginning of what it holds, and is marked`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 6, max: packed.length - 1 }), async (cut) => {
        const { out, damage } = await unpack(packed.subarray(0, cut), [200]);
        assert.ok(out.equals(TEXT.subarray(0, out.length)));
        assert.deepEqual(damage, { at: out.length, reason: `the ${compression} stream is cut short` });
      }),
      { numRuns: 15 },
    );
  });

  test(`a file in ${compression} without any parts of STDF is refused as what it holds`, async () => {
    await assert.rejects(inspectOnly(inChunks(packed), 'lot.stdf'), {
      code: 'invalid',
      message: 'lot.stdf is not STDF: it is text, such as CSV',
    });
  });

  test(`an error of the source reaches the reader of ${compression}, and no thread is left behind`, async () => {
    async function* broken(): AsyncGenerator<Buffer> {
      yield packed.subarray(0, 30);
      throw new Error('the line is down');
    }
    const before = threads();
    await assert.rejects(collect(new Decompressed(broken(), 'x')), /the line is down/);
    for await (const _ of new Decompressed(inChunks(packed), 'x')) break;
    assert.equal(threads(), before);
  });
}

/** Threads of this process that the system knows; 0 where it does not tell. */
function threads(): number {
  try {
    return readdirSync('/proc/self/task').length;
  } catch {
    return 0;
  }
}

test('a cut in the last block of bzip2 keeps the blocks before it', async () => {
  const { out } = await unpack(BZIP2.subarray(0, BZIP2.length - 20));
  assert.ok(out.length >= 190_000 && out.length < TEXT.length, `${out.length} bytes`);
});

test('a damaged block of bzip2 gives nothing of itself, and all before it', async () => {
  const at = BZIP2.length - 60;
  for (const bit of [1, 16, 128]) {
    const damaged = Buffer.from(BZIP2);
    damaged[at]! ^= bit;
    const { out, damage } = await unpack(damaged);
    assert.ok(out.length >= 190_000 && out.equals(TEXT.subarray(0, out.length)), `${out.length} bytes`);
    assert.match(damage!.reason, /^the bzip2 stream is damaged|cut short$/);
  }
});

test('damage in xz is marked, and what came long before it is kept', async () => {
  const stored = storedXz(noise);
  stored[150_000]! ^= 1;
  const { out, damage } = await unpack(stored, [4096]);
  assert.deepEqual(damage, { at: out.length, reason: 'the xz stream is damaged' });
  assert.ok(out.length > 60_000, `${out.length} bytes`);
  assert.ok(out.subarray(0, 60_000).equals(noise.subarray(0, 60_000)));
});

for (const [what, garbage] of [
  ['zeros', Buffer.alloc(512)],
  ['text', Buffer.from('appended by the copier')],
  ['a line feed', Buffer.from('\n')],
] as const) {
  test(`${what} behind the last stream of bzip2 is left alone`, async () => {
    const { out, damage } = await unpack(Buffer.concat([BZIP2, garbage]));
    assert.ok(out.equals(TEXT));
    assert.equal(damage, null);
  });
}

test('padding behind an xz stream is left alone, and so is what is no xz', async () => {
  for (const behind of [Buffer.alloc(512), Buffer.from('appended by the copier')]) {
    const { out, damage } = await unpack(Buffer.concat([XZ, behind]));
    assert.ok(out.equals(TEXT));
    assert.equal(damage, null);
  }
});

test('a block of bzip2 that grows a millionfold comes in bounded pieces', async () => {
  let bytes = 0;
  for await (const chunk of new Decompressed(inChunks(BZIP2_ZEROS), 'zeros')) {
    assert.ok(chunk.length <= 256 * 1024);
    bytes += chunk.length;
  }
  assert.equal(bytes, 40_000_000);
});

test('xz with a dictionary of 64 MiB is read, and one that needs more is refused with the remedy', async () => {
  assert.ok((await unpack(storedXz(TEXT, { dictionary: 28 }))).out.equals(TEXT));
  await assert.rejects(unpack(storedXz(TEXT, { dictionary: 30 })), {
    code: 'invalid',
    message: 'test.stdf is xz that is not read here: its dictionary is over 64 MiB',
    hint: 'Compress it again with the defaults of xz, or with gzip.',
  });
});

test('xz without a checksum is read, and one with SHA-256 or another filter is refused', async () => {
  assert.ok((await unpack(storedXz(TEXT, { check: 0 }))).out.equals(TEXT));
  for (const options of [{ check: 10 }, { filter: 3 }] as const) {
    await assert.rejects(unpack(storedXz(TEXT, options)), {
      code: 'invalid',
      message: 'test.stdf is xz that is not read here: it has a filter, or a SHA-256 checksum',
    });
  }
});

test('a second stream of xz that is not read here keeps the first', async () => {
  const { out, damage } = await unpack(Buffer.concat([XZ, storedXz(TEXT, { check: 10 })]));
  assert.ok(out.equals(TEXT));
  assert.match(damage!.reason, /^the xz stream cannot be read on \(it has a filter/);
});

test('many files are decompressed at the same time, a few threads each in its turn', async () => {
  const all = await Promise.all(Array.from({ length: 9 }, (_, i) => unpack(i % 2 ? BZIP2 : XZ)));
  for (const { out } of all) assert.ok(out.equals(TEXT));
});

test('an STDF file in xz that is cut keeps every whole part, and says why it is not whole', async () => {
  const records = new StdfRecords();
  const part = (i: number) =>
    Buffer.concat([records.pir(), records.ptr({ bits: i }), records.prr({ id: `${i}` })]);
  const bytes = Buffer.concat([records.far(), ...Array.from({ length: 3000 }, (_, i) => part(i))]);
  const whole = storedXz(bytes);
  const [found] = await collect(
    inspectStdf(inChunks(whole.subarray(0, whole.length >> 1), [5000]), 'cut.xz'),
  );
  assert.equal(found!.compression, 'xz');
  assert.ok(found!.parts.prr > 1000 && found!.parts.prr < 1700, `${found!.parts.prr} parts`);
  assert.notEqual(found!.truncated, null);
});
