import { join, normalize } from 'node:path';
import { keyAt, type Path } from './keys.ts';
import type { Problem } from './problem.ts';
import { valueAt } from './schema-problems.ts';

/** What is wrong between keys. Reads the input as it stands, so that it is found beside wrong values of single keys. */
export function relationProblems(input: unknown): Problem[] {
  return [
    ...memberProblems(input),
    ...peerProblems(input),
    ...reconnectProblems(input),
    ...folderProblems(input),
    ...portProblems(input),
  ];
}

function memberProblems(input: unknown): Problem[] {
  const path = ['mesh', 'members'];
  const members = listAt(input, path);
  const fab = valueAt(input, ['fab']);
  const repeated = duplicates(members).map(
    (index): Problem => ({
      path: [...path, index],
      value: members[index],
      what: 'is listed twice',
      remedy: 'Take one of them out.',
    }),
  );
  if (typeof fab !== 'string' || members.length === 0 || members.includes(fab)) return repeated;
  const remedy = `Add ${fab} to it: it names the whole mesh, this fab included.`;
  return [...repeated, { path, value: members, what: `does not hold this fab, ${fab}`, remedy }];
}

function peerProblems(input: unknown): Problem[] {
  const peers = listAt(input, ['mesh', 'peers']);
  const members = listAt(input, ['mesh', 'members']);
  const own = valueAt(input, ['fab']);
  const fabs = peers.map((peer) => valueAt(peer, ['fab']));
  const repeated = new Set(duplicates(fabs));
  return fabs.flatMap((fab, index) => {
    if (typeof fab !== 'string') return [];
    const path = ['mesh', 'peers', index, 'fab'];
    const problem = (what: string, remedy: string): Problem => ({ path, value: fab, what, remedy });
    if (fab === own) return [problem('is this fab itself', 'Take it out: a node does not dial itself.')];
    if (repeated.has(index)) return [problem('is a peer already', 'Take one of them out.')];
    if (!members.includes(fab)) return [problem('is not in mesh.members', `Add ${fab} to mesh.members.`)];
    return [];
  });
}

function reconnectProblems(input: unknown): Problem[] {
  const least = valueOrDefault(input, ['sync', 'reconnect_min_ms']);
  const most = valueOrDefault(input, ['sync', 'reconnect_max_ms']);
  if (typeof least !== 'number' || typeof most !== 'number' || least <= most) return [];
  return [
    {
      path: ['sync', 'reconnect_min_ms'],
      value: least,
      what: `is above sync.reconnect_max_ms, ${most}`,
      remedy: 'Lower it or raise the other.',
    },
  ];
}

/** Every file in the drop folder is taken and moved: the node's own must not be among them. */
function folderProblems(input: unknown): Problem[] {
  const path = ['intake', 'folder'];
  const folder = valueAt(input, path);
  const data = valueAt(input, ['data_dir']);
  if (typeof folder !== 'string' || folder === '' || typeof data !== 'string') return [];
  const own = [data, join(data, 'spool')].map((each) => normalize(join(each, '.')));
  if (!own.includes(normalize(join(folder, '.')))) return [];
  return [{ path, value: folder, what: "is where the node's own files are", remedy: 'Name another folder.' }];
}

/** One port takes one server. */
function portProblems(input: unknown): Problem[] {
  const path = ['metrics', 'port'];
  const port = valueOrDefault(input, path);
  if (port === 0 || port !== valueOrDefault(input, ['listen', 'port'])) return [];
  return [
    { path, value: port, what: 'is listen.port as well', remedy: 'Choose another port, or 0 for none.' },
  ];
}

function valueOrDefault(input: unknown, path: Path): unknown {
  return valueAt(input, path) ?? keyAt(path)?.default;
}

/** Positions of entries that stand further up too. */
function duplicates(list: readonly unknown[]): number[] {
  return list.flatMap((entry, index) =>
    typeof entry === 'string' && list.indexOf(entry) < index ? [index] : [],
  );
}

function listAt(input: unknown, path: Path): readonly unknown[] {
  const value = valueAt(input, path);
  return Array.isArray(value) ? value : [];
}
