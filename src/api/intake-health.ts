import type { WafersyncError } from '../errors.ts';
import type { StorageView } from '../replica/storage-watch.ts';
import {
  conflictService,
  dataSync,
  retentionService,
  runService,
  syncControl,
  testEquipment,
  waferService,
} from '../wire/services.ts';
import type { Health } from './health.ts';

/** The node as a whole, and the services that take something in from testers, files and people. */
const FROM_PEOPLE = [
  '',
  ...[testEquipment, runService, waferService, conflictService, retentionService].map(({ name }) => name),
];

/** Those, and the services that take something in from peers and operators. */
const TAKING_IN = [...FROM_PEOPLE, dataSync.name, syncControl.name];

/**
 * Shows in the node's health whether it takes anything in: not while its disk is full, nor once it is fenced; nothing but
 * what peers bring while it is drained. What only tells, such as SyncMonitor, serves all the while.
 */
export function showWhatIsTaken(
  health: Health,
  { full, reason }: StorageView,
  fenced: WafersyncError | null,
  drained: WafersyncError | null,
): void {
  const refused = fenced ? fenced.line : full ? reason : null;
  for (const service of TAKING_IN) {
    const reason = refused ?? (FROM_PEOPLE.includes(service) ? (drained?.line ?? null) : null);
    health.set(service, reason === null ? { serving: true } : { serving: false, reason });
  }
}
