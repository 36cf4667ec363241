import assert from 'node:assert/strict';
import { test } from 'node:test';
import { constants, deflateRawSync, gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { Decompressed } from '../../src/ingest/stdf/decompress.ts';
import { collect, inspectOnly } from '../support/read-stdf.ts';
import { inChunks, StdfRecords } from '../support/stdf-records.ts';

const text = Buffer.from('the quick brown fox jumps over the lazy dog. '.repeat(40));
const gzip = gzipSync(text);

async function inflate(bytes: Buffer, sizes?: readonly number[]) {
  const source = new Decompressed(inChunks(bytes, sizes), 'test.stdf');
  const out = Buffer.concat(await collect(source));
  return { out, damage: source.damage, compression: source.compression };
}

test('plain bytes pass through as they are', async () => {
  const bytes = Buffer.from([2, 0, 0, 10, 2, 4, 1]);
  for (const size of [1, 2, 7]) {
    assert.deepEqual(await inflate(bytes, [size]), { out: bytes, damage: null, compression: 'none' });
  }
});

test('gzip is told by its magic bytes and inflated, in whatever chunks it comes', async () => {
  for (let size = 1; size <= gzip.length; size += 3) {
    assert.deepEqual(await inflate(gzip, [size]), { out: text, damage: null, compression: 'gzip' });
  }
});

test('members of gzip follow one another, split at any byte', async () => {
  const members = Buffer.concat([gzip, gzipSync(Buffer.alloc(0)), gzipSync(Buffer.from('end'))]);
  for (let at = 1; at < members.length; at++) {
    const { out, damage } = await inflate(members, [at, members.length]);
    assert.equal(out.toString(), `${text}end`, `split at ${at}`);
    assert.equal(damage, null);
  }
});

for (const [what, garbage] of [
  ['zeros', Buffer.alloc(600)],
  ['text', Buffer.from('appended by the copier')],
  ['half a magic', Buffer.of(0x1f)],
  ['a magic of another method', Buffer.of(0x1f, 0x8b, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0)],
] as const) {
  test(`${what} behind the last member is left alone`, async () => {
    for (const size of [1, 50, 5000]) {
      const { out, damage } = await inflate(Buffer.concat([gzip, garbage]), [size]);
      assert.deepEqual(out, text);
      assert.equal(damage, null);
    }
  });
}

test('gzip cut at any byte gives all that can be inflated, and is marked', async () => {
  const noise = Buffer.from(Array.from({ length: 3000 }, (_, i) => (i * i * 7919) >>> 5));
  const whole = gzipSync(Buffer.concat([text, noise]));
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 2, max: whole.length - 1 }),
      fc.integer({ min: 1, max: 700 }),
      async (cut, size) => {
        const part = whole.subarray(0, cut);
        const expected =
          cut < 10 ? Buffer.alloc(0) : gunzipSync(part, { finishFlush: constants.Z_SYNC_FLUSH });
        const { out, damage } = await inflate(part, [size]);
        assert.deepEqual(out, expected);
        assert.deepEqual(damage, { at: expected.length, reason: 'the gzip stream is cut short' });
      },
    ),
  );
});

test('names, comments, extra fields and checksums in the header are passed', async () => {
  const header = Buffer.concat([
    Buffer.of(0x1f, 0x8b, 8, 0x1e, 0, 0, 0, 0, 0, 3),
    Buffer.of(3, 0, 1, 2, 3),
    Buffer.from('lot.stdf\0'),
    Buffer.from('a comment\0'),
    Buffer.of(0xaa, 0xbb),
  ]);
  const member = Buffer.concat([header, deflateRawSync(text), gzip.subarray(-8)]);
  for (const size of [1, 4, 1000])
    assert.deepEqual(await inflate(member, [size]), { out: text, damage: null, compression: 'gzip' });
});

test('a wrong checksum keeps the bytes and is marked', async () => {
  const wrong = Buffer.from(gzip);
  wrong[wrong.length - 8]! ^= 1;
  const { out, damage } = await inflate(wrong);
  assert.deepEqual(out, text);
  assert.match(damage!.reason, /checksum/);
});

test('damage inside the stream keeps what came before it and is marked', async () => {
  const noise = Buffer.from(Array.from({ length: 400_000 }, (_, i) => Math.imul(i, 0x9e3779b1) >>> 24));
  const stored = gzipSync(noise, { level: 0 });
  const at = stored.length >> 1;
  stored.fill(0xff, at, at + 70_000); // a stored block's length no longer fits its complement
  const { out, damage } = await inflate(stored, [65_536]);
  assert.match(damage!.reason, /damaged/);
  assert.equal(damage!.at, out.length);
  assert.ok(out.length >= at - 70_000);
  assert.deepEqual(out.subarray(0, at - 70_000), noise.subarray(0, at - 70_000));
});

test('a stream that is cut between two records is truncated all the same', async () => {
  const records = new StdfRecords();
  const bytes = Buffer.concat([records.far(), records.pir(), records.prr()]);
  const cut = gzipSync(bytes).subarray(0, -8);
  const found = await inspectOnly(inChunks(cut), 'cut.gz');
  assert.equal(found.parts.prr, 1);
  assert.deepEqual(found.truncated, { at: bytes.length, bytes: 0, kind: 'the gzip stream is cut short' });
});

test('zstd is refused by name, with what to do', async () => {
  for (const size of [1, 100]) {
    await assert.rejects(inflate(Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0]), [size]), {
      code: 'invalid',
      message: 'test.stdf is compressed with zstd, which is not read here',
      hint: /^Decompress it first/,
    });
  }
});

test('a zip archive that is no file of its own is refused, with what to do', async () => {
  for (const bytes of [Buffer.from('PK\x03\x04....'), Buffer.from('PK\x05\x06....')]) {
    await assert.rejects(inflate(bytes), {
      code: 'invalid',
      message: 'test.stdf is a zip archive that is not a file of its own',
    });
  }
});

test('a file that is not there, or is a folder, is told apart from a bad one', async () => {
  const read = (path: string) => collect(new Decompressed(path, path));
  await assert.rejects(read('/nowhere/lot.stdf'), {
    code: 'not-found',
    message: '/nowhere/lot.stdf does not exist',
  });
  await assert.rejects(read('/'), { code: 'unavailable' });
});

test('an error of the source reaches the reader of plain and gzip alike', async () => {
  for (const bytes of [text, gzip]) {
    async function* broken(): AsyncGenerator<Buffer> {
      yield bytes.subarray(0, 30);
      throw new Error('the line is down');
    }
    await assert.rejects(collect(new Decompressed(broken(), 'x')), /the line is down/);
  }
});

test('a reader that stops early lets go of the source', async () => {
  const big = gzipSync(Buffer.alloc(3_000_000, 'abcdefg'));
  let closed = false;
  async function* source(): AsyncGenerator<Buffer> {
    try {
      yield* inChunks(big, [100]);
    } finally {
      closed = true;
    }
  }
  for await (const _ of new Decompressed(source(), 'x')) break;
  assert.equal(closed, true);
});
