import { formatEpoch } from '../../clocks/dot.ts';
import type { PresentDatabase } from '../../store/restoration.ts';
import type { Manifest } from '../../wire/backup-manifest.ts';
import { counted, grouped, printable, table } from '../output.ts';
import { backupLine, toJson } from './backup.ts';
import { type Answer, byFab, type Outlook } from './outlook.ts';

type OutlookJson = ReturnType<typeof outlookJson>;

/** What a restore would do, as `--json` tells it. */
export function outlookJson(
  manifest: Manifest,
  present: PresentDatabase,
  answers: readonly Answer[],
  { fetched, lost, doubts }: Outlook,
) {
  const [comes, goes] = [byFab(fetched), byFab(lost)];
  const fabs = [...new Set([...byFab(manifest.received).keys(), ...comes.keys(), ...goes.keys()])].sort();
  return {
    backup: toJson(manifest),
    present: presentJson(present),
    peers: answers.map((answer) => ({
      fab_id: answer.fab,
      address: answer.address ?? '',
      updates: 'received' in answer ? answer.received.size : 0,
      error: 'error' in answer ? answer.error : '',
    })),
    fetched_updates: fetched.size,
    lost_updates: lost.size,
    lost: lost.toString(),
    fabs: fabs.map((fab) => ({
      fab_id: fab,
      backup_updates: byFab(manifest.received).get(fab) ?? 0,
      fetched_updates: comes.get(fab) ?? 0,
      lost_updates: goes.get(fab) ?? 0,
    })),
    doubts,
  };
}

function presentJson(present: PresentDatabase) {
  const { state } = present;
  return {
    state,
    epoch: state === 'read' ? formatEpoch(present.facts.origin.epoch) : '',
    updates: state === 'read' ? present.facts.received.size : 0,
    error: state === 'unreadable' ? present.error.message : '',
  };
}

/** The same for people. */
export function outlookText(told: OutlookJson): string {
  const silent = told.peers.filter(({ error }) => error !== '');
  const { lost_updates: lost, fetched_updates: fetched } = told;
  return [
    `the backup: ${backupLine(told.backup)}`,
    `the present database: ${presentText(told.present)}`,
    ...silent.map(({ fab_id, error }) => `${fab_id} COULD NOT BE ASKED: ${printable(error)}`),
    `${counted(fetched, 'update')} that the backup lacks ${fetched === 1 ? 'comes' : 'come'} again from other fabs`,
    ...(lost > 0
      ? [`${grouped(lost)} UPDATES WOULD BE LOST: only the present database has them (${told.lost})`]
      : []),
    ...(told.present.state === 'read' && lost === 0
      ? ['nothing would be lost: what the present database has, the backup or another fab has too']
      : []),
    ...(told.present.state === 'none'
      ? ['what had reached no other fab since the backup was made is gone']
      : []),
    ...(told.fabs.length > 0 ? ['', fabTable(told)] : []),
  ].join('\n');
}

function fabTable({ fabs }: OutlookJson): string {
  return table(
    ['BORN AT', 'IN THE BACKUP', 'COME AGAIN', 'LOST'],
    fabs.map((fab) => [
      fab.fab_id,
      grouped(fab.backup_updates),
      grouped(fab.fetched_updates),
      grouped(fab.lost_updates),
    ]),
  );
}

function presentText({ state, epoch, updates, error }: OutlookJson['present']): string {
  if (state === 'none') return 'there is none';
  if (state === 'unreadable') return `it CANNOT BE READ: ${printable(error)}`;
  return `epoch ${epoch}, ${grouped(updates)} updates`;
}
