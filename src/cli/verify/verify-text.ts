import { formatWafer } from '../../wafer/wafer-key.ts';
import { counted, grouped, printable, size, table } from '../output.ts';
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
  const counts = ['WAFERS', 'COMPARED', 'EQUAL', 'ON THE WAY', 'DIFFERENT', 'REPAIRED', 'NOT REPAIRED'];
  return table(
    ['WITH', ...counts, 'EXCHANGED', 'WHY'],
    results.map((one) => {
      // Of a fab that could not be compared to the end, nothing found is nothing known.
      const known = (value: number, text: string) => (one.error && value === 0 ? '-' : text);
      const { wafers, subjects, equal, on_the_way, different, repaired, not_repaired } = one;
      const told = [wafers, subjects, equal, on_the_way, different, repaired, not_repaired];
      return [
        one.fab_id,
        ...told.map((count) => known(count, grouped(count))),
        known(one.bytes_exchanged, size(one.bytes_exchanged)),
        one.error || (one.more ? 'more differs: verify again' : '-'),
      ];
    }),
  );
}

/** When each fab was last found equal by the node that was asked. @param utc how a time is written */
export function lastText({ interval_h, all_equal_us, peers }: ToldLast, utc: (us: number) => string): string {
  const time = (us: number) => (us === 0 ? 'never' : utc(us));
  const unasked = interval_h === 0 ? 'only when asked' : `every ${counted(interval_h, 'hour')}`;
  return [
    `this node compares itself with the others ${unasked}; by it all were found equal: ${time(all_equal_us)}`,
    table(
      ['FAB', 'LAST EQUAL', 'LAST COMPARED', 'BYTES READ', 'DIFFERENT', 'WHY'],
      peers.map(({ fab_id, equal_us, looked_us, thorough, last }) => [
        ...[fab_id, time(equal_us), time(looked_us), last ? (thorough ? 'yes' : 'no') : '-'],
        ...[last && !last.error ? grouped(last.different) : '-', last?.error || '-'],
      ]),
    ),
    'What another node compared, it tells itself: ask it with --node.',
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
