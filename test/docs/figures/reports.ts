// Prints the size of a status that carries a report, whole and as a delta: docs/adr/0006.
import { fabId, mintEpoch, type Origin } from '../../../src/clocks/dot.ts';
import { IntervalSet } from '../../../src/clocks/interval-set.ts';
import { TransportVector } from '../../../src/clocks/transport-vector.ts';
import { type Report, ReportSender } from '../../../src/sync/report.ts';
import { toSyncStatus } from '../../../src/sync/transport/lane-codec.ts';
import { dataSync } from '../../../src/wire/services.ts';

const SEQUENCE = 1_000_000;

function origins(count: number): Origin[] {
  return Array.from({ length: count }, (_, i) => ({
    fab: fabId(`f${i}`),
    epoch: mintEpoch(1, () => Uint8Array.of(9, 8, 7, 6, i)),
  }));
}

/** A report of a node that has everything of all fabs, but `holes` single updates of each. */
function reportOf(fabs: readonly Origin[], number: number, holes: number): Report {
  const sets = fabs.map((origin, i): [Origin, IntervalSet] => {
    const end = SEQUENCE + (i === 0 ? number : 0);
    const whole = IntervalSet.range(1, end);
    const gaps = Array.from({ length: holes }, (_, hole) => ({ from: 2 + hole * 100, to: 2 + hole * 100 }));
    return [origin, whole.difference(IntervalSet.of(gaps))];
  });
  return { node: fabs[1]!, number, received: TransportVector.of(sets), held: TransportVector.empty };
}

function bytesOf(report: ReturnType<ReportSender['next']>): number {
  const status = { hello: null, report, acknowledged: 1_000, wants: null, relayed: [], echoUs: 0 };
  return dataSync.methods.SyncWaferData.responseSerialize(toSyncStatus(status, 0)).length;
}

console.log('bytes of a status with a report');
for (const count of [5, 50]) {
  for (const holes of [0, 100]) {
    const fabs = origins(count);
    const sender = new ReportSender();
    const full = bytesOf(sender.next(reportOf(fabs, 1, holes)));
    const delta = bytesOf(sender.next(reportOf(fabs, 2, holes)));
    console.log(`${count} fabs, ${holes} holes each: whole ${full}, after one commit ${delta}`);
  }
}
