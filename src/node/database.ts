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

/** Folder of what is on its way in or out; emptied at each start. */
export function spoolFolder({ dataDir }: NodeConfig): string {
  return join(dataDir, 'spool');
}

/** Opens the database of a node, making it where there is none. */
export function openStore(config: NodeConfig, world: World): Store {
  makeDataFolder(config);
  return Store.open({
    file: databaseFile(config),
    fab: config.fab,
    world,
    decoders,
  });
}

/** Makes the folder of a node's database where it is missing. @throws WafersyncError `precondition` */
export function makeDataFolder({ dataDir: folder }: NodeConfig): void {
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
