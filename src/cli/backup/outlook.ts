import type { FabId } from '../../clocks/dot.ts';
import { TransportVector } from '../../clocks/transport-vector.ts';
import type { PresentDatabase } from '../../store/restoration.ts';

/** What a fab answered when it was asked what it has. */
export type Answer =
  | { readonly fab: FabId; readonly address: string; readonly received: TransportVector }
  /** It could not be asked, and why, with the remedy. */
  | { readonly fab: FabId; readonly address: string | null; readonly error: string };

/** What a restore would do. */
export interface Outlook {
  /** What the others have and the backup has not: it is fetched again. */
  readonly fetched: TransportVector;
  /** What the present database has, and neither the backup nor a fab that answered. */
  readonly lost: TransportVector;
  /** Why it should not be done unasked, as the end of a sentence; empty where nothing speaks against it. */
  readonly doubts: readonly string[];
}

/** What becomes of whose updates where a backup is put in the place of a database. */
export function outlookOf(
  backup: TransportVector,
  present: PresentDatabase,
  answers: readonly Answer[],
): Outlook {
  const others = answers.reduce(
    (all, answer) => ('received' in answer ? all.join(answer.received) : all),
    TransportVector.empty,
  );
  const own = present.state === 'read' ? present.facts.received : TransportVector.empty;
  const lost = own.difference(backup).difference(others);
  const silent = answers.filter((answer) => 'error' in answer).map(({ fab }) => fab);
  return { fetched: others.difference(backup), lost, doubts: doubtsOf(present, lost, silent) };
}

function doubtsOf(present: PresentDatabase, lost: TransportVector, silent: readonly FabId[]): string[] {
  const unasked = silent.length > 0 ? ` (${silent.join(', ')} could not be asked)` : '';
  if (present.state === 'read') {
    if (lost.isEmpty) return [];
    return [`${lost.size} updates of the present database are nowhere else${unasked}`];
  }
  if (present.state === 'unreadable') {
    return [`the present database cannot be read, so that what it alone has cannot be told`];
  }
  if (silent.length === 0) return [];
  return [`${silent.join(', ')} could not be asked, so that what comes back cannot be told`];
}

/** Updates of a vector by fab, sorted. */
export function byFab(vector: TransportVector): Map<FabId, number> {
  const counts = new Map<FabId, number>();
  for (const [{ fab }, set] of vector.entries()) counts.set(fab, (counts.get(fab) ?? 0) + set.size);
  return counts;
}
