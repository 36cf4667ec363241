import { counted, grouped, size, table } from '../output.ts';
import { ago, bytesText, lagText, stateText } from '../peers/peers.ts';
import { latestLag } from './latest-lag.ts';
import { type MeshAnswers, type MeshRow, meshRows } from './mesh-view.ts';
import { nodeLines, peerTable } from './node-text.ts';

/** What `--json` prints: the named node, and a row for each fab. */
export function statusJson(answers: MeshAnswers) {
  return { ...answers.named.node, mesh: meshRows(answers) };
}

/** The whole screen: the named node, the mesh, and how the named node is connected. */
export function statusText(answers: MeshAnswers, nowMs: number): string {
  const { named } = answers;
  const rows = meshRows(answers, { oncePerPair: true });
  return [
    ...nodeLines(named.node, latestLag(named)),
    '',
    summary(rows, nowMs),
    meshTable(rows, nowMs),
    ...rows.flatMap(({ fab_id, why }) => why.map((reason) => `${fab_id}: ${reason}`)),
    '',
    peerTable(named.node),
  ].join('\n');
}

function summary(rows: readonly MeshRow[], nowMs: number): string {
  const behind = rows.filter(({ behind_updates }) => behind_updates > 0);
  if (behind.length === 0) return `${counted(rows.length, 'fab')}, nobody is known to be behind`;
  const told = behind.map(({ fab_id, behind_updates, behind_since_ms }) => {
    const since = behind_since_ms > 0 ? `, born from ${ago(behind_since_ms, nowMs)} ago on` : '';
    return `${fab_id} lacks ${counted(behind_updates, 'update')}${since}`;
  });
  return `${counted(rows.length, 'fab')}, BEHIND: ${told.join('; ')}`;
}

function meshTable(rows: readonly MeshRow[], nowMs: number): string {
  const head = ['FAB', 'CONNECTED', 'FOR', 'BEHIND', 'BYTES', 'SINCE', 'LAG', 'FREE'];
  return table(
    head,
    rows.map((row) => [
      row.fab_id,
      row.state === 'asked' ? 'asked' : stateText(row.state),
      row.since_ms > 0 ? ago(row.since_ms, nowMs) : '-',
      grouped(row.behind_updates),
      row.behind_updates > 0 ? bytesText(row.behind_bytes, row.behind_bytes_counted) : '-',
      row.behind_since_ms > 0 ? ago(row.behind_since_ms, nowMs) : '-',
      lagText(row.latest_lag),
      row.free_bytes === null ? '-' : size(row.free_bytes),
    ]),
  );
}
