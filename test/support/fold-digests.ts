import { join } from 'node:path';
import { fabId } from '../../src/clocks/dot.ts';
import { Store } from '../../src/store/store.ts';
import { decoders } from '../../src/wire/decoders.ts';
import { realWorld } from '../../src/world.ts';

/** Digest of the tables of a node that has stopped. */
export function foldDigest(dataFolder: string, fab: string): string {
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
