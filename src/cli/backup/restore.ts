import { basename, dirname } from 'node:path';
import type { FabId } from '../../clocks/dot.ts';
import { loadConfig, type NodeConfig } from '../../config/load.ts';
import { WafersyncError } from '../../errors.ts';
import { databaseFile, makeDataFolder } from '../../node/database.ts';
import { checkFits, readBackup } from '../../store/backup-file.ts';
import { requireRoom } from '../../store/disk-space.ts';
import {
  type PresentDatabase,
  presentDatabase,
  type ReplacedDatabase,
  Restoration,
  replacedDatabases,
} from '../../store/restoration.ts';
import type { Manifest } from '../../wire/backup-manifest.ts';
import { realWorld } from '../../world.ts';
import { size, type Terminal } from '../output.ts';
import { askPeers } from './ask-peers.ts';
import { backupLine, toJson } from './backup.ts';
import { type Outlook, outlookOf } from './outlook.ts';
import { outlookJson, outlookText } from './outlook-text.ts';

/** Options of `wafersync restore`. */
export interface RestoreOptions {
  /** Path of the configuration. */
  readonly config?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** Restores a backup, or tells what that would do. Resolves to the exit code. */
export async function restore(file: string, options: RestoreOptions, terminal: Terminal): Promise<number> {
  const { config: path, dryRun = false } = options;
  if (path === undefined && !dryRun) {
    throw new WafersyncError('invalid', 'no --config says which node the backup is for', {
      hint: 'Say --config FILE; with --dry-run alone, the backup says what it is.',
    });
  }
  const manifest = await readBackup(file);
  if (path === undefined) {
    const told = toJson(manifest);
    terminal.out(options.json ? JSON.stringify({ backup: told }) : backupLine(told));
    return 0;
  }
  const config = loadConfig(path);
  checkFits(file, manifest, config.fab);
  if (dryRun) await lookAhead(config, manifest, options, terminal);
  else await restoreTo(config, file, manifest, options, terminal);
  return 0;
}

/** Tells what a restore would do; the node may run. */
async function lookAhead(
  config: NodeConfig,
  manifest: Manifest,
  { json }: RestoreOptions,
  terminal: Terminal,
): Promise<void> {
  const seen = await look(config, manifest);
  terminal.out(json ? JSON.stringify(seen.json) : seen.text);
}

async function restoreTo(
  config: NodeConfig,
  file: string,
  manifest: Manifest,
  { yes, json }: RestoreOptions,
  terminal: Terminal,
): Promise<void> {
  makeDataFolder(config);
  const database = databaseFile(config);
  const restoration = Restoration.begin(database);
  try {
    const seen = await look(config, manifest);
    if (!json) terminal.out(seen.text);
    if (!yes) await makeSure(seen, config.fab, json ? undefined : terminal.ask && terminal);
    const hint = 'Free space there. The present database is kept beside it.';
    requireRoom(dirname(database), manifest.databaseBytes, 'the restored database needs', hint);
    await restoration.stage(file, manifest);
    const { steps, aside } = restoration.replacement(realWorld.nowMs(), seen.present.state);
    for (const step of steps) step.run();
    const kept = replacedDatabases(database);
    const done = { restored: true, replaced: aside ?? '', replaced_databases: kept };
    terminal.out(json ? JSON.stringify({ ...seen.json, ...done }) : doneText(database, aside, kept));
  } finally {
    restoration.end();
  }
}

interface Seen {
  readonly present: PresentDatabase;
  readonly outlook: Outlook;
  readonly json: object;
  readonly text: string;
}

async function look(config: NodeConfig, manifest: Manifest): Promise<Seen> {
  const present = presentDatabase(databaseFile(config), config.fab);
  const answers = await askPeers(config, manifest);
  const outlook = outlookOf(manifest.received, present, answers);
  const told = outlookJson(manifest, present, answers, outlook);
  return { present, outlook, json: told, text: outlookText(told) };
}

/**
 * Goes on where nothing speaks against it. A person at the terminal is asked before any database that can be read is replaced,
 * and may go on in spite of doubts.
 * @throws WafersyncError where it is not to go on
 */
async function makeSure({ present, outlook }: Seen, fab: FabId, terminal?: Terminal): Promise<void> {
  const { doubts } = outlook;
  if (doubts.length > 0) return await settleDoubts(doubts, fab, terminal);
  if (present.state !== 'read' || !terminal) return;
  if (await agrees(terminal, `\nType ${fab} to replace the present database, anything else to stop: `, fab))
    return;
  throw new WafersyncError('cancelled', 'nothing was restored: the present database was not to be replaced', {
    hint: 'If it is sound, its node needs no restore: what it lacks comes from the other fabs.',
  });
}

async function settleDoubts(doubts: readonly string[], fab: FabId, terminal?: Terminal): Promise<void> {
  if (terminal) {
    terminal.out(`\n${doubts.join('; ')}`);
    if (await agrees(terminal, `Type ${fab} to restore nevertheless, anything else to stop: `, fab)) return;
  }
  throw new WafersyncError('precondition', `nothing was restored: ${doubts.join('; ')}`, {
    hint: 'If the present database can still be opened, start its node until `wafersync status` counts nothing under LACKS UPDATES. Else say --yes: the present database is kept aside.',
  });
}

/** Whether a person answers with the name of the fab. */
async function agrees({ ask }: Terminal, question: string, fab: FabId): Promise<boolean> {
  return (await ask?.(question)) === fab;
}

function doneText(database: string, aside: string | null, kept: readonly ReplacedDatabase[]): string {
  const bytes = kept.reduce((sum, one) => sum + one.bytes, 0);
  const several = `${kept.length} databases that restores replaced are in ${dirname(database)}, as ${basename(database)}.replaced-*, with ${size(bytes)}: delete those that nobody misses`;
  return [
    `restored to ${database}`,
    ...(aside === null ? [] : [`The database that was there is kept as ${aside}`]),
    ...(kept.length > 1 ? [several] : []),
    'Start the node: it begins another epoch, and fetches from the other fabs what the backup lacks.',
  ].join('\n');
}
