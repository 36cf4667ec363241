import { formatWafer } from '../../wafer/wafer-key.ts';
import { counted, grouped, printable, table } from '../output.ts';
import type { ToldFinding, ToldLast, ToldResult } from './verify-json.ts';

/** What is wrong, in words; the details follow. */
const PROBLEMS: Readonly<Record<string, string>> = {
  UPDATE_DAMAGED: 'bytes of the log are damaged:',
  PROGRAM_DAMAGED: 'a test program is damaged:',
  COLUMNS: 'a row of the log says other than its update:',
  TABLES: 'tables are not what the log says:',
  ROW_MISSING: 'an update has no row in the log:',
  UNEXPLAINED: 'the fabs differ, and each finds itself right, in:',
};

const OUTCOMES: Readonly<Record<string, string>> = {
  REPAIRED: 'repaired',
  NOT_REPAIRED: 'not repaired',
  LEFT: 'left as it is',
};

/** A finding in a line. */
export function findingLine(finding: ToldFinding): string {
  const { fab_id, peer_fab_id, problem, details, outcome, reason } = finding;
  const where = peer_fab_id ? `${fab_id} and ${peer_fab_id}` : fab_id;
  const what = `${PROBLEMS[problem] ?? problem} ${details.join(' ') || 'unknown'}`;
  const became = `${OUTCOMES[outcome] ?? outcome}${reason ? `. ${reason}` : ''}`;
  return printable([`${where}:`, subjectText(finding), what, `(${became})`].filter(Boolean).join(' '));
}

/** A row a peer. */
export function resultsText(results: readonly ToldResult[]): string {
  if (results.length === 0) return 'this mesh has no other member';
  return table(
    [
      'WITH',
      'WAFERS',
      'COMPARED',
      'EQUAL',
      'ON THE WAY',
      'DIFFERENT',
      'REPAIRED',
      'NOT REPAIRED',
      'BYTES',
      '',
    ],
    results.map((one) => [
      ...[
        one.fab_id,
        grouped(one.wafers),
        grouped(one.subjects),
        grouped(one.equal),
        grouped(one.on_the_way),
      ],
      ...[grouped(one.different), grouped(one.repaired), grouped(one.not_repaired)],
      ...[grouped(one.bytes_exchanged), one.error || (one.more ? 'more differs: verify again' : '')],
    ]),
  );
}

/** When each fab was last found equal. @param utc how a time is written */
export function lastText({ interval_h, all_equal_us, peers }: ToldLast, utc: (us: number) => string): string {
  const time = (us: number) => (us === 0 ? 'never' : utc(us));
  const unasked = interval_h === 0 ? 'only when asked' : `every ${counted(interval_h, 'hour')}`;
  return [
    `verified ${unasked}; all were found equal: ${time(all_equal_us)}`,
    table(
      ['FAB', 'LAST EQUAL', 'LAST COMPARED', 'BYTES READ', 'DIFFERENT', ''],
      peers.map((peer) => [
        ...[peer.fab_id, time(peer.equal_us), time(peer.looked_us), peer.thorough ? 'yes' : 'no'],
        ...[grouped(peer.last?.different ?? 0), peer.last?.error ?? ''],
      ]),
    ),
  ].join('\n');
}

function subjectText({ subject: { wafer, run_id, purge } }: ToldFinding): string {
  if (run_id) return `run ${run_id}`;
  if (purge) return `purge ${purge}`;
  if (!wafer) return '';
  const { lot, wafer_id, insertion } = wafer;
  if (!lot && !wafer_id && !insertion) return 'the mesh document';
  return `wafer ${formatWafer({ lot, waferId: wafer_id, insertion })}`;
}
