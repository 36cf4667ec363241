import { conflictsBench } from './conflicts.ts';
import { filesBench } from './files.ts';
import { fiveFabsBench } from './five-fabs.ts';
import { intakeBench } from './intake.ts';
import { metricsBench } from './metrics.ts';
import { replicationBench } from './replication.ts';
import { startBench } from './start.ts';
import type { Figure } from './statistics.ts';

/** A bench: some figures that are measured together. */
export interface Bench {
  readonly name: string;
  run(): Promise<Figure[]>;
}

/** All benches, in the order in which they run. */
export const benches: readonly Bench[] = [
  { name: 'files', run: filesBench },
  { name: 'intake', run: intakeBench },
  { name: 'replication', run: replicationBench },
  { name: 'start', run: startBench },
  { name: 'conflicts', run: conflictsBench },
  { name: 'five-fabs', run: fiveFabsBench },
  { name: 'metrics', run: metricsBench },
];
