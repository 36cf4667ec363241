import type { Cluster, Fab } from '../support/cluster.ts';
import { command } from '../support/command.ts';
import { Person } from '../support/wafer-client.ts';
import { compareDatabases } from './compare-databases.ts';

/** What the databases of a mesh say in the end. */
export interface Verdict {
  /** Updates in each log. */
  readonly updates: number;
  /** What must not be; empty where all is well. */
  readonly faults: readonly string[];
  /** Digest of the tables at each fab, as `wafersync rebuild` says it. */
  readonly digests: Readonly<Record<string, string>>;
}

/** Stops all nodes and holds their databases against each other, and each one's tables against its log. */
export async function verdict(cluster: Cluster): Promise<Verdict> {
  const faults: string[] = [];
  const digests: Record<string, string> = {};
  for (const fab of cluster.fabs) {
    const code = await cluster.stopNode(fab, 'SIGTERM');
    if (code !== 0) faults.push(`${fab} ended with ${code}`);
  }
  const files = cluster.fabs.map((fab) => [fab, cluster.databaseFile(fab)] as const);
  const compared = compareDatabases(Object.fromEntries(files));
  faults.push(...compared.faults);
  for (const fab of cluster.fabs) {
    const { code, stdout, stderr } = await command('rebuild', '--config', cluster.configFile(fab));
    if (code !== 0) faults.push(`rebuild at ${fab}: ${stderr}`);
    digests[fab] = /digest of the tables (\w+)/.exec(stdout)?.[1] ?? '';
  }
  if (new Set(Object.values(digests)).size !== 1) faults.push('the tables of the fabs differ');
  return { updates: compared.updates, faults, digests };
}

/** Conflicts that stand at a fab. */
export async function conflictsAt(cluster: Cluster, fab: Fab): Promise<number> {
  const person = new Person(cluster.address(fab));
  try {
    return (await person.conflicts()).length;
  } finally {
    person.close();
  }
}
