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

/** The node as a whole, and the services that take something in. */
const TAKING_IN = [
  '',
  ...[testEquipment, runService, waferService, conflictService, retentionService, dataSync, syncControl].map(
    ({ name }) => name,
  ),
];

/**
 * Shows in the node's health whether it takes anything in: not while its disk is full, nor once it is fenced. What only
 * tells, such as SyncMonitor, serves all the while.
 */
export function showWhatIsTaken(
  health: Health,
  { full, reason }: StorageView,
  fenced: WafersyncError | null,
): void {
  const refused = fenced ? fenced.line : full ? reason : null;
  for (const service of TAKING_IN) {
    health.set(service, refused === null ? { serving: true } : { serving: false, reason: refused });
  }
}
