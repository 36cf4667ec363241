import { documentName } from '../conflicts/conflict-text.ts';
import { counted, duration, grouped, printable, table } from '../output.ts';
import type { LotStatusJson, ReceiptJson, WaferStatusJson } from './lot-json.ts';

/** Wafers, one a row. */
export function waferTable(wafers: readonly WaferStatusJson[]): string {
  return table(
    ['WAFER', 'STATE', 'ATTEMPTS', 'DIES', 'MISSING AT', 'VISIBLE AFTER'],
    wafers.map((wafer) => [
      documentName(wafer),
      wafer.state,
      outOf(wafer.attempts_received, wafer.attempts_expected),
      outOf(wafer.dies_tested, wafer.dies_expected),
      missingText(wafer.missing_fabs),
      visibleText(wafer.visible),
    ]),
  );
}

/** What is known of a lot, and each of its wafers. */
export function lotLines(lot: LotStatusJson): string[] {
  const lines = [
    `lot ${printable(lot.lot)}: ${lot.state}, ${lot.complete ? 'complete' : 'NOT complete'} as far as is known here`,
    `${fabsText(lot)}`,
    `${counted(lot.wafers, 'wafer')}, ${counted(lot.runs, 'run')}, ${counted(lot.updates, 'update')}${lot.held_updates > 0 ? `, ${grouped(lot.held_updates)} of them held here` : ''}`,
    `attempts: ${grouped(lot.attempts_received)} received of ${expected(lot.attempts_expected)}`,
    diesLine(lot),
  ];
  if (lot.visible.length > 0) lines.push(`its last update was visible after: ${visibleText(lot.visible)}`);
  if (lot.incomplete_runs.length > 0) lines.push('', ...runLines(lot));
  if (lot.wafer_statuses.length > 0) lines.push('', waferTable(lot.wafer_statuses));
  if (lot.left_out_wafers > 0)
    lines.push(`and ${counted(lot.left_out_wafers, 'other')}: \`wafersync wafers --lot\` tells all`);
  return lines;
}

/** Lots with names like one of which nothing is known. */
export function likeText(similar: readonly string[]): string {
  return `lots with a similar name are known: ${similar.map(printable).join(', ')}`;
}

/** What came of a wait. */
export function receiptLines(receipt: ReceiptJson): string[] {
  const { confirmed, lot, fabs, missing, waited_ms, at_us } = receipt;
  const names = fabs.map(({ fab_id }) => fab_id).join(', ');
  const head = confirmed
    ? `lot ${printable(lot)} is complete, and equal at ${names}`
    : `lot ${printable(lot)} is not complete and equal at ${names} after ${duration(waited_ms)}`;
  return [
    head,
    ...missing.map((what) => `missing: ${printable(what)}`),
    `at ${new Date(at_us / 1000).toISOString()}, asked at ${receipt.fab_id}: ${hereText(receipt)}`,
    ...(receipt.status && confirmed && receipt.status.incomplete_runs.length > 0
      ? runLines(receipt.status)
      : []),
    '',
    table(
      ['FAB', 'EQUAL', 'KNOWN BY', 'LACKS', 'HAS MORE', 'WHY'],
      fabs.map((fab) => [
        fab.fab_id,
        equalText(fab),
        fab.confirmed_by === 'unknown' ? '-' : fab.confirmed_by,
        lacksText(fab),
        isCompared(fab) ? grouped(fab.missing_here) : '-',
        printable(fab.reason) || '-',
      ]),
    ),
  ];
}

/** What the digest of a receipt is of. */
function hereText({ vector, digest }: ReceiptJson): string {
  const updates = vector.reduce((sum, { intervals }) => sum + sizeOf(intervals), 0);
  return updates === 0 ? 'nothing of it is here' : `${counted(updates, 'update')}, digest ${digest}`;
}

type FabOfReceipt = ReceiptJson['fabs'][number];

/** Whether a fab's content was put beside that of the node that was asked. */
function isCompared({ confirmed_by }: FabOfReceipt): boolean {
  return confirmed_by === 'own' || confirmed_by === 'digest';
}

/** What is known of one that was not asked is what its report leaves out. */
function lacksText(fab: FabOfReceipt): string {
  const isKnown = isCompared(fab) || fab.confirmed_by === 'report' || fab.missing_updates > 0;
  return isKnown ? grouped(fab.missing_updates) : '-';
}

function equalText({ equal, confirmed_by }: FabOfReceipt): string {
  if (equal) return 'yes';
  return confirmed_by === 'unknown' ? 'unknown' : 'no';
}

function runLines({ incomplete_runs, incomplete_run_count }: LotStatusJson): string[] {
  const more = incomplete_run_count - incomplete_runs.length;
  return [
    table(
      ['RUN', 'FAB', 'STATE', 'ATTEMPTS', 'FROM', 'WHY NOT COMPLETE'],
      incomplete_runs.map((run) => [
        run.run_id,
        run.fab_id,
        run.state,
        outOf(run.attempts_received, run.attempts_expected),
        printable(run.file_name || run.equipment_id) || '-',
        printable(run.reason),
      ]),
    ),
    ...(more > 0 ? [`and ${counted(more, 'other run')}`] : []),
  ];
}

function diesLine({ dies_tested, dies_expected, dies_never_tested }: LotStatusJson): string {
  const never = dies_never_tested === null ? '' : `, ${grouped(dies_never_tested)} never tested`;
  return `dies: ${grouped(dies_tested)} tested of ${expected(dies_expected)}${never}`;
}

function fabsText({ synced_fabs, missing_fabs }: LotStatusJson): string {
  const synced =
    synced_fabs.length > 0 ? `all of it is at ${synced_fabs.join(', ')}` : 'no fab has all of it';
  return missing_fabs.length > 0 ? `${synced}; missing at ${missingText(missing_fabs)}` : synced;
}

function missingText(missing: LotStatusJson['missing_fabs']): string {
  return missing.map(({ fab_id, updates }) => `${fab_id} (${grouped(updates)})`).join(' ') || '-';
}

function visibleText(visible: LotStatusJson['visible']): string {
  return (
    visible.map(({ fab_id, time_to_visible_ms }) => `${fab_id} ${duration(time_to_visible_ms)}`).join(', ') ||
    '-'
  );
}

function outOf(count: number, whole: number | null): string {
  return `${grouped(count)} of ${whole === null ? '?' : grouped(whole)}`;
}

function expected(count: number | null): string {
  return count === null ? 'a number that is not known' : grouped(count);
}

function sizeOf(intervals: readonly number[]): number {
  let size = 0;
  for (let i = 0; i < intervals.length; i += 2) size += intervals[i + 1]! - intervals[i]! + 1;
  return size;
}
