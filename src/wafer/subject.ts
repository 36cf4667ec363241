import { createHash } from 'node:crypto';
import { type Dot, formatDot } from '../clocks/dot.ts';
import type { RunId } from './run.ts';
import { formatWafer, type WaferKey } from './wafer-key.ts';

/** What nodes compare one by one: a wafer, a run, or a purge. The mesh's document is that of the wafer without a name. */
export type Subject =
  | { readonly kind: 'wafer'; readonly wafer: WaferKey }
  | { readonly kind: 'run'; readonly run: RunId }
  | { readonly kind: 'purge'; readonly purge: Dot };

/** Where a subject stands among all, the same at every fab: 32 hex digits, evenly spread. */
export function subjectKey(subject: Subject): string {
  return createHash('sha256')
    .update(JSON.stringify([subject.kind, ...nameOf(subject)]))
    .digest('hex')
    .slice(0, 32);
}

/** For people and logs. */
export function formatSubject(subject: Subject): string {
  if (subject.kind === 'run') return `run ${subject.run}`;
  if (subject.kind === 'purge') return `purge ${formatDot(subject.purge)}`;
  const { lot, waferId, insertion } = subject.wafer;
  return lot || waferId || insertion ? `wafer ${formatWafer(subject.wafer)}` : 'the mesh document';
}

function nameOf(subject: Subject): readonly string[] {
  if (subject.kind === 'run') return [subject.run];
  if (subject.kind === 'purge') return [formatDot(subject.purge)];
  return [subject.wafer.lot, subject.wafer.waferId, subject.wafer.insertion];
}
