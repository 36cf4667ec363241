import { accessSync, constants, existsSync, mkdtempSync, rmdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { NodeConfig } from '../../config/load.ts';
import { WafersyncError } from '../../errors.ts';
import { databaseFile } from '../../node/database.ts';
import { databaseFacts } from '../../store/database-facts.ts';
import { diskSpace } from '../../store/disk-space.ts';
import { inspectDatabase } from '../../store/inspect.ts';
import { grouped, size } from '../output.ts';
import { type Finding, fail, ok, skipped, warn } from './finding.ts';

/** Below so many free bytes a node cannot be trusted to go on: a commit, its log and a checkpoint want room. */
const LEAST_FREE_BYTES = 256 * 2 ** 20;

/** Below so many free bytes, or this part of the disk, it is time to make room. */
const SCARCE_BYTES = 5e9;
const SCARCE_PART = 0.05;

/** The folder of the data, its disk, and the database in it. */
export function checkPlace(config: NodeConfig): Finding[] {
  return [folder(config), disk(config), database(config)];
}

function folder({ dataDir }: NodeConfig): Finding {
  const there = existsSync(dataDir);
  const place = nearest(dataDir);
  const reason = there ? triedToWrite(place) : triedToMake(place);
  if (reason !== '') {
    return fail(
      'folder',
      there
        ? `${place} cannot be written to by this user (${reason})`
        : `${dataDir} cannot be made in ${place} by this user (${reason})`,
      'Give it an owner that may write there, or set data_dir to another folder.',
    );
  }
  return ok('folder', there ? `${dataDir} can be written to` : `${dataDir} is made at the first start`);
}

/** Why a folder cannot be written to; empty where it can. */
function triedToWrite(folder: string): string {
  try {
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    return '';
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code ?? String(thrown);
  }
}

/** Why no folder can be made in another; empty where one was made, and taken away again. Not every system says so by rights alone. */
function triedToMake(folder: string): string {
  try {
    rmdirSync(mkdtempSync(join(folder, '.wafersync-doctor-')));
    return '';
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code ?? String(thrown);
  }
}

function disk({ dataDir }: NodeConfig): Finding {
  const place = nearest(dataDir);
  const { freeBytes: free, sizeBytes: all } = diskSpace(place);
  const says = `${size(free)} of ${size(all)} are free at ${place}`;
  if (free < LEAST_FREE_BYTES) {
    return fail('disk', says, 'Make room: while the disk is full, nothing is taken in.');
  }
  const isScarce = free < SCARCE_BYTES || free < all * SCARCE_PART;
  const remedy = 'Make room, or purge the values of old results: `wafersync purge --dry-run`.';
  return isScarce ? warn('disk', says, remedy) : ok('disk', says);
}

function database(config: NodeConfig): Finding {
  const file = databaseFile(config);
  if (!existsSync(file)) {
    const log = `${file}-wal`;
    if (existsSync(log)) {
      return fail(
        'database',
        `${file} is missing, and its write-ahead log is there`,
        'Put the database back beside its log, or move the log away to begin a new one.',
      );
    }
    return skipped('database', `there is none yet: the first start makes ${file}`);
  }
  try {
    inspectDatabase(file, config.fab);
    const { schemaVersion, received, results } = databaseFacts(file);
    return ok(
      'database',
      `${file} is ${config.fab}'s, of schema version ${schemaVersion}: ${grouped(results)} results in ${grouped(received.size)} updates`,
    );
  } catch (thrown) {
    const { message, hint } = WafersyncError.from(thrown);
    return fail('database', message, hint);
  }
}

/** The folder, or the first above it that is there. */
function nearest(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearest(dirname(path));
}
