import { join } from 'node:path';
import { fabId } from '../../src/clocks/dot.ts';
import { Store } from '../../src/store/store.ts';
import { decodeAttemptTable } from '../../src/wafer/payload/decode.ts';
import { stubPayload } from '../../src/wafer/payload/stub.ts';
import { decodeEdit } from '../../src/wire/edit.ts';
import { decodeHeader } from '../../src/wire/header.ts';
import { decodePurge } from '../../src/wire/purge.ts';
import { decodeRunRecord } from '../../src/wire/run-record.ts';
import { realWorld } from '../../src/world.ts';

/** Digest of the tables of a node that has stopped. */
export function foldDigest(dataFolder: string, fab: string): string {
  const decoders = {
    readAttempts: decodeAttemptTable,
    decodeEdit,
    decodeHeader,
    decodeRunRecord,
    decodePurge,
    stubPayload,
  };
  const store = Store.open({
    file: join(dataFolder, 'wafersync.db'),
    fab: fabId(fab),
    world: realWorld,
    decoders,
  });
  try {
    return store.foldDigest();
  } finally {
    store.close();
  }
}
