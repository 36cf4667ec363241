import { existsSync } from 'node:fs';
import { loadConfig } from '../config/load.ts';
import { type ErrorCode, WafersyncError } from '../errors.ts';
import { createLog } from '../log.ts';
import { databaseFile, openStore } from '../node/database.ts';
import { startNode } from '../node.ts';
import { realWorld } from '../world.ts';
import { counted, failureLine, type Terminal } from './output.ts';
import { VERSION } from './version.ts';

/** Options of `wafersync serve`. */
export interface ServeOptions {
  /** Path of the configuration. */
  readonly config: string;
}

/** Options of `wafersync rebuild`. */
export interface RebuildOptions extends ServeOptions {
  readonly json?: boolean;
}

/** What a parent process is told once the node serves. */
export interface ReadyMessage {
  readonly type: 'ready';
  readonly port: number;
}

/**
 * Exit code where starting again would fail in the same way until a person has put something right: EX_CONFIG of
 * sysexits.h. deploy/wafersync.service does not start such a node again.
 */
export const EXIT_UNMENDABLE = 78;

/** A wrong configuration; a database of another fab, of another program or of a newer version; a damaged one. */
const UNMENDABLE: ReadonlySet<ErrorCode> = new Set(['invalid', 'conflict', 'damaged']);

/**
 * Runs one node until SIGTERM or SIGINT, or, started by a parent with a channel to it, until the parent is gone.
 * Resolves to the exit code: 0 where it was stopped, {@link EXIT_UNMENDABLE}, or 1 where trying again may work.
 */
export async function serve(options: ServeOptions, terminal: Terminal): Promise<number> {
  try {
    await serveUntilStopped(options);
    return 0;
  } catch (thrown) {
    terminal.err(failureLine(thrown));
    return UNMENDABLE.has(WafersyncError.from(thrown).code) ? EXIT_UNMENDABLE : 1;
  }
}

async function serveUntilStopped(options: ServeOptions): Promise<void> {
  const config = loadConfig(options.config);
  const log = createLog({ level: config.log.level, fab: config.fab });
  const asked = stopAsked();
  // What nobody caught ends the process, as it should: what follows of it is unknown. It is told like everything else.
  process.on('uncaughtExceptionMonitor', (error) => log.error('node.crashed', {}, error));
  try {
    const node = await startNode(config, { world: realWorld, log, version: VERSION });
    process.send?.({ type: 'ready', port: node.port } satisfies ReadyMessage);
    log.info('node.stop_asked', { reason: await asked });
    await node.stop();
  } finally {
    // An open channel to the parent would keep the process alive.
    if (process.connected) process.disconnect();
  }
}

/** Settles with the reason when the process shall end. */
function stopAsked(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve(signal));
    // The channel closes however the parent ends, SIGKILL included.
    process.on('disconnect', () => resolve('the parent process is gone'));
  });
}

/**
 * Computes the readable tables again from the log, while the node is down. Resolves to the exit code.
 * @throws WafersyncError where there is no database, it is in use, or its tables were not what the log says
 */
export async function rebuild(options: RebuildOptions, terminal: Terminal): Promise<number> {
  const config = loadConfig(options.config);
  const file = databaseFile(config);
  if (!existsSync(file)) {
    throw new WafersyncError('not-found', `there is no database ${file}`, {
      hint: 'Check data_dir in the configuration; `wafersync serve` makes a new database.',
    });
  }
  const store = openStore(config, realWorld);
  try {
    const before = store.foldDigest();
    const { updates, digest } = store.rebuild();
    const told = { updates, digest, digest_before: before };
    const text = `${counted(updates, 'update')} applied again; digest of the tables ${digest}`;
    terminal.out(options.json ? JSON.stringify(told) : text);
    if (digest === before) return 0;
    throw new WafersyncError('damaged', `the tables were not what the log says: their digest was ${before}`, {
      hint: 'They are right now. Check the disk, and report this.',
    });
  } finally {
    store.close();
  }
}
