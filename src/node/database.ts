import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeConfig } from '../config/load.ts';
import { WafersyncError } from '../errors.ts';
import { Store } from '../store/store.ts';
import { decoders } from '../wire/decoders.ts';
import type { World } from '../world.ts';

/** Path of a node's database. */
export function databaseFile({ dataDir }: NodeConfig): string {
  return join(dataDir, 'wafersync.db');
}

/** Opens the database of a node, making it where there is none. */
export function openStore(config: NodeConfig, world: World): Store {
  makeFolder(config.dataDir);
  return Store.open({
    file: databaseFile(config),
    fab: config.fab,
    world,
    decoders,
  });
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new WafersyncError('precondition', `the folder ${folder} cannot be made: ${code ?? message}`, {
      hint: 'Give it an owner that may write there, or set data_dir to another folder.',
      cause: error,
    });
  }
}
