import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { WafersyncError } from '../../src/errors.ts';
import { Spool } from '../../src/ingest/upload/spool.ts';
import { realWorld } from '../../src/world.ts';
import { withSmallDisk } from '../support/small-disk.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const MIB = 1024 * 1024;

async function* chunks(count: number, bytes: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < count; i++) yield new Uint8Array(bytes).fill(i + 1);
}

test('an upload that the disk has no room for is refused with the remedy, used by nobody, and leaves nothing', async (t) => {
  await withSmallDisk(t, 2, async (disk) => {
    const folder = join(disk.folder, 'spool');
    const spool = new Spool(folder, 1024 * MIB, realWorld);
    let used = 0;
    const use = async (path: string) => {
      used++;
      return readFileSync(path).length;
    };
    // The second chunk is written in part: no piece of a file may pass for the whole.
    await assert.rejects(spool.hold('a.stdf', chunks(2, 1.5 * MIB), use), (error) => {
      assert.ok(error instanceof WafersyncError);
      assert.deepEqual(
        [error.code, error.hint],
        ['exhausted', "Free space on the disk of the node's data_dir."],
      );
      assert.match(error.message, /^the upload cannot be kept: ENOSPC/);
      return true;
    });
    assert.deepEqual([used, readdirSync(folder)], [0, []]);
    assert.equal(await spool.hold('b.stdf', chunks(1, 1.5 * MIB), use), 1.5 * MIB);
    assert.deepEqual(readdirSync(folder), []);
  });
});

test('an upload that is kept is whole, and is gone once it was used', async (t) => {
  const folder = temporaryFolder(t);
  const spool = new Spool(folder, 10 * MIB, realWorld);
  const bytes = await spool.hold('a.stdf', chunks(3, 100_000), async (path) => readFileSync(path));
  assert.deepEqual([bytes.length, bytes[0], bytes.at(-1)], [300_000, 1, 3]);
  assert.deepEqual(readdirSync(folder), []);
});
