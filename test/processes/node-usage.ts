import { readFileSync, statSync } from 'node:fs';
import type { Cluster, Fab } from '../support/cluster.ts';

/** What a node takes of its machine now, in bytes. */
export interface Usage {
  /** Resident memory; 0 where it does not run. */
  readonly rss: number;
  /** Most resident memory since its start. */
  readonly peakRss: number;
  /** Size of the file of the write-ahead log. */
  readonly wal: number;
  readonly database: number;
}

/** What the node of a fab takes. Linux only. */
export function usageOf(cluster: Cluster, fab: Fab): Usage {
  const file = cluster.databaseFile(fab);
  const [rss, peakRss] = memoryOf(cluster.process(fab)?.pid);
  return { rss, peakRss, wal: sizeOf(`${file}-wal`), database: sizeOf(file) };
}

function memoryOf(pid: number | undefined): [number, number] {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const kb = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
    return [kb('VmRSS') * 1024, kb('VmHWM') * 1024];
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return [0, 0];
    throw error;
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
