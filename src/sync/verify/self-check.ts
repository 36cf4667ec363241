import { type Dot, formatDot } from '../../clocks/dot.ts';
import { WafersyncError } from '../../errors.ts';
import type { Replica } from '../../replica/replica.ts';
import { DamagedUpdate } from '../../store/sealed.ts';
import type { Store } from '../../store/store.ts';
import { subjectsOf } from '../../store/verify/component.ts';
import type { Refolded } from '../../store/verify/refolder.ts';
import type { SubjectRow } from '../../store/verify/subject-tables.ts';
import type { Subject } from '../../wafer/subject.ts';
import type { World } from '../../world.ts';
import { stopIf } from '../turns.ts';
import type { FoundByPass, FoundDot } from './digest-pass.ts';
import type { Finding, Outcome } from './questions.ts';

/** How long what was asked for again is waited for, milliseconds. */
const REPAIR_WAIT_MS = 30_000;

/** Findings that one check tells; what is beyond them is found by the next, once these are mended. */
const MAX_FINDINGS = 10_000;

/** What a self-check works with. */
export interface SelfCheckOptions {
  readonly store: Pick<Store, 'log' | 'programs' | 'refolder' | 'refiler'>;
  readonly replica: Pick<Replica<never>, 'housekeep' | 'refold'> & {
    readonly commits: { subscribe(listener: () => void): () => void };
  };
  readonly world: World;
}

/** A subject that may be wrong here. */
export interface Suspect extends SubjectRow {
  readonly subject: Subject;
}

/** Undoes what was done to see what would come out. */
class Undone extends WafersyncError {
  constructor() {
    super('cancelled', 'nothing was to be changed');
  }
}

/**
 * Sees which of what a node has is wrong, and puts it right. Nobody need be believed: the bytes of updates are what their
 * digests say or not, and the tables are what the log says or not.
 */
export class SelfCheck {
  readonly #options: SelfCheckOptions;

  constructor(options: SelfCheckOptions) {
    this.#options = options;
  }

  /** Checks what a pass found, and folds again what hangs together with the suspects. @throws WafersyncError `cancelled` */
  async run(
    found: FoundByPass,
    suspects: readonly Suspect[],
    repair: boolean,
    signal: AbortSignal,
  ): Promise<Finding[]> {
    const damaged = await this.#damaged(found, repair, signal);
    const { findings: columns, moved } = await this.#refile(found.misfiled, repair);
    // What is damaged cannot be folded, and is told already; to read it is to have it asked for again.
    const unread = found.damaged.filter(({ dot }) => !repair || this.#options.store.log.damaged.has(dot));
    const tables = await this.#refold([...suspects, ...moved], new Set(unread.map(nameOf)), repair, signal);
    const all = [...damaged, ...columns, ...tables, ...this.#missing(found.missing.slice(0, MAX_FINDINGS))];
    return all.slice(0, MAX_FINDINGS);
  }

  /** What is damaged counts as not received, and so is asked for again; it is waited for. */
  async #damaged(
    { damaged, programs }: FoundByPass,
    repair: boolean,
    signal: AbortSignal,
  ): Promise<Finding[]> {
    const { store, replica } = this.#options;
    const marked = new Set<string>();
    if (repair && damaged.length + programs.length > 0) {
      for (const { dot } of damaged) store.log.found(dot);
      for (const program of programs) store.programs.get(program);
      // Those who listen for damage mark it in a commit before this one, as much as they take at once.
      await replica.housekeep(() => {});
      for (const { dot } of damaged) if (store.log.damaged.has(dot)) marked.add(formatDot(dot));
      const isMended = () =>
        damaged.every(({ dot }) => !store.log.damaged.has(dot)) &&
        programs.every((one) => store.programs.has(one));
      await this.#until(isMended, signal);
    }
    const became = (mended: boolean) => (repair ? outcomeOf(mended, NOT_COME) : LEFT);
    return [
      ...damaged.map(({ dot, subject }) => ({
        ...{ subject, problem: 'update-damaged' as const, details: [formatDot(dot)] },
        ...became(marked.has(formatDot(dot)) && !store.log.damaged.has(dot)),
      })),
      ...programs.map((program) => ({
        ...{ subject: null, problem: 'program-damaged' as const, details: [program] },
        ...became(store.programs.has(program)),
      })),
    ];
  }

  async #refile(
    misfiled: readonly FoundDot[],
    repair: boolean,
  ): Promise<{ findings: Finding[]; moved: SubjectRow[] }> {
    const moved: SubjectRow[] = [];
    const findings: Finding[] = [];
    for (const { dot, subject } of misfiled) {
      const facts = { subject, problem: 'columns' as const, details: [formatDot(dot)] };
      let filed = false;
      if (repair) {
        await this.#options.replica.housekeep(() => {
          const subjects = this.#options.store.refiler.refile(dot);
          filed = subjects !== null;
          moved.push(...(subjects ?? []));
        });
      }
      findings.push({ ...facts, ...(repair ? outcomeOf(filed, 'it is damaged itself') : LEFT) });
    }
    return { findings, moved };
  }

  /** Folds components again, each once and in a commit of its own. @param unread subjects that cannot be folded */
  async #refold(
    rows: readonly SubjectRow[],
    unread: ReadonlySet<string>,
    repair: boolean,
    signal: AbortSignal,
  ): Promise<Finding[]> {
    const findings: Finding[] = [];
    const failed: SubjectRow[] = [];
    const done = new Set<string>();
    for (const row of rows) {
      stopIf(signal);
      if (done.has(nameOf(row))) continue;
      const names = subjectsOf(this.#options.store.refolder.around(row)).map(nameOf);
      for (const name of names) done.add(name);
      if (names.some((name) => unread.has(name))) {
        findings.push(...this.#unread(rows, new Set(names), unread, repair));
        continue;
      }
      const found = await this.#refoldOne(row, repair);
      if (found instanceof WafersyncError) failed.push(row);
      else findings.push(...found);
    }
    return [...findings, ...(await this.#refoldAgain(failed, repair))];
  }

  /** What could not be folded may have met what was wrong elsewhere, such as rules, and is right by now. */
  async #refoldAgain(failed: readonly SubjectRow[], repair: boolean): Promise<Finding[]> {
    const findings: Finding[] = [];
    for (const row of failed) {
      const found = await this.#refoldOne(row, repair);
      if (!(found instanceof WafersyncError)) findings.push(...found);
      else findings.push(notRefolded(this.#options.store.refolder.subjectOf(row), found, repair));
    }
    return findings;
  }

  /** Of a component with a damaged update: what cannot be looked at before it has come again. */
  #unread(
    rows: readonly SubjectRow[],
    component: ReadonlySet<string>,
    unread: ReadonlySet<string>,
    repair: boolean,
  ): Finding[] {
    const waiting = rows.filter((row) => component.has(nameOf(row)) && !unread.has(nameOf(row)));
    return waiting.map((row) => ({
      ...{ subject: this.#options.store.refolder.subjectOf(row), problem: 'unexplained', details: [] },
      ...(repair ? outcomeOf(false, UNREAD) : LEFT),
    }));
  }

  async #refoldOne(row: SubjectRow, repair: boolean): Promise<Finding[] | WafersyncError> {
    const { refolder } = this.#options.store;
    let refolded: readonly Refolded[] = [];
    try {
      await this.#options.replica.refold(() => {
        refolded = refolder.refold(row);
        // What was right need not be written, and what is to be left must not.
        if (refolded.length === 0 || !repair) throw new Undone();
        const subjects = refolded.map((one) => refolder.subjectOf(one));
        return subjects.flatMap((subject) => (subject.kind === 'wafer' ? subject.wafer : []));
      });
    } catch (thrown) {
      if (!(thrown instanceof Undone)) return WafersyncError.from(thrown);
    }
    return refolded.map((one) => ({
      ...{ subject: refolder.subjectOf(one), problem: 'tables' as const, details: one.tables },
      ...(repair ? outcomeOf(true, '') : LEFT),
    }));
  }

  #missing(missing: readonly Dot[]): Finding[] {
    return missing.map((dot) => ({
      ...{ subject: null, problem: 'row-missing', details: [formatDot(dot)] },
      ...outcomeOf(false, ROW_GONE),
    }));
  }

  /** Waits until something holds, looking at each commit, but not for ever. */
  async #until(holds: () => boolean, signal: AbortSignal): Promise<void> {
    if (holds()) return;
    const { replica, world } = this.#options;
    await new Promise<void>((resolve) => {
      const end = () => {
        unsubscribe();
        cancel();
        signal.removeEventListener('abort', end);
        resolve();
      };
      const unsubscribe = replica.commits.subscribe(() => {
        if (holds()) end();
      });
      const cancel = world.after('verify', REPAIR_WAIT_MS, end);
      signal.addEventListener('abort', end);
    });
    stopIf(signal);
  }
}

const NOT_COME =
  'It was asked for again and has not come yet. It is fetched as soon as another fab that has it is connected.';
const UNREAD =
  'An update that hangs together with it is damaged: which fab is wrong can be told once that has come again. Verify again then.';
const ROW_GONE =
  'Its row is gone from the log. Begin a new database at this fab: it fetches everything that another fab has.';
const REBUILD = 'Stop the node and run `wafersync rebuild`.';

/** What is damaged comes again; all else is beyond folding a part. */
function notRefolded(subject: Subject, error: WafersyncError, repair: boolean): Finding {
  const became = (why: string) => (repair ? outcomeOf(false, why) : LEFT);
  if (error instanceof DamagedUpdate) {
    const details = [formatDot(error.dot)];
    return { subject, problem: 'update-damaged', details, ...became(NOT_COME) };
  }
  return { subject, problem: 'tables', details: [], ...became(`${error.line}. ${REBUILD}`) };
}

const LEFT = { outcome: 'left', reason: '' } as const;

function outcomeOf(repaired: boolean, why: string): { outcome: Outcome; reason: string } {
  return repaired ? { outcome: 'repaired', reason: '' } : { outcome: 'not-repaired', reason: why };
}

function nameOf({ kind, row }: SubjectRow): string {
  return `${kind} ${row}`;
}
