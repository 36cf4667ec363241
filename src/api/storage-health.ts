import type { StorageView } from '../replica/storage-watch.ts';
import { conflictService, dataSync, runService, testEquipment, waferService } from '../wire/services.ts';
import type { Health } from './health.ts';

/** The node as a whole, and the services that take something in. */
const TAKING_IN = [
  '',
  ...[testEquipment, runService, waferService, conflictService, dataSync].map(({ name }) => name),
];

/** Shows in the node's health whether its disk is full. What only tells, such as SyncMonitor, serves all the while. */
export function showStorage(health: Health, { full, reason }: StorageView): void {
  for (const service of TAKING_IN) {
    health.set(service, full ? { serving: false, reason } : { serving: true });
  }
}
