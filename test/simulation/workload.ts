import type { FabId } from '../../src/clocks/dot.ts';
import { WafersyncError } from '../../src/errors.ts';
import type { Editor, EditPlan } from '../../src/replica/editor.ts';
import { DamagedUpdate } from '../../src/store/sealed.ts';
import type { Store } from '../../src/store/store.ts';
import type { Attempt } from '../../src/wafer/attempt.ts';
import type { Json } from '../../src/wafer/document/json.ts';
import { MESH } from '../../src/wafer/document/mesh.ts';
import type { ResultsBatch } from '../../src/wafer/intake.ts';
import type { TestProgram } from '../../src/wafer/program.ts';
import { makeProgram } from '../../src/wafer/program-codec.ts';
import { ResultsBuilder } from '../../src/wafer/results-builder.ts';
import type { RunId, RunRecord } from '../../src/wafer/run.ts';
import type { WaferKey } from '../../src/wafer/wafer-key.ts';
import type { Dice } from './dice.ts';
import type { Ledger } from './ledger.ts';
import type { NodeProcess } from './process.ts';

/** Wafers that all fabs write to. */
export const WAFERS: readonly WaferKey[] = ['W1', 'W2', 'W3', 'W4', 'W5', 'W6'].map((waferId) => ({
  lot: 'L1',
  waferId,
  insertion: 'CP1',
}));

/** Wafers and the document of the mesh. */
export const DOCUMENTS: readonly WaferKey[] = [...WAFERS, MESH];

const PROGRAMS: readonly TestProgram[] = [1, 2, 3].map((n) =>
  makeProgram(
    Array.from({ length: 3 }, (_, i) => ({
      kind: 'PTR' as const,
      number: 100 * n + i,
      name: `test ${n}.${i}`,
      ...{ units: 'V', lowLimit: 0, highLimit: 1, lowSpec: null, highSpec: null, resultScale: null },
    })),
  ),
);

/** A run of a tester or a file: which fabs take it in, and how far it has come at each. */
interface Run {
  readonly id: RunId;
  readonly startedAtUs: number;
  readonly wafer: WaferKey;
  readonly program: TestProgram;
  next: number;
}

/** Runs that are kept to be handed in again; the oldest are forgotten. */
const MAX_RUNS = 24;

const POLICIES = ['most-restrictive', 'manual', 'last-writer-wins'];

/** Operations of a patch; each may not fit the document as it is, and then writes nothing. */
const OPERATIONS: readonly ((n: number) => readonly [op: string, path: string, value?: Json])[] = [
  (n) => ['replace', '/disposition', ['hold', 'release', 'ship', 'scrap'][n % 4]!],
  (n) => ['add', `/holds/H${n % 2}`, { reason: `${n}` }],
  (n) => ['remove', `/holds/H${n % 2}`],
  (n) => ['add', '/attributes/oven', n],
  (n) => ['add', '/attributes/oven', { name: `${n}` }],
  (n) => ['add', '/rebins/1,1', n % 8],
  (n) => ['add', '/tags/urgent', n % 2 === 0],
  (n) => ['add', `/notes/N${n % 3}`, `note ${n}`],
  (n) => ['add', '/limits_revision', `r${n % 5}`],
];

/** Refusals that a client has to expect. */
const EXPECTED: ReadonlySet<string> = new Set([
  ...['precondition', 'conflict', 'invalid', 'not-found', 'exhausted', 'unavailable', 'cancelled', 'damaged'],
]);

/** Clients of all fabs: testers, files, people. They note what was acknowledged to them. */
export class Workload {
  readonly #dice: Dice;
  readonly #ledger: Ledger;
  readonly #failed: (error: unknown) => void;
  readonly #runs: Run[] = [];
  #made = 0;
  /** Requests by what became of them. */
  readonly counts = { acknowledged: 0, refused: 0, purged: 0 };

  constructor(dice: Dice, ledger: Ledger, failed: (error: unknown) => void) {
    this.#dice = dice;
    this.#ledger = ledger;
    this.#failed = failed;
  }

  /** One client of a node asks for something. */
  act(process: NodeProcess): void {
    const dice = this.#dice;
    const what = dice.next();
    if (what < 0.5) this.#results(process);
    else if (what < 0.56) this.#again(process);
    else if (what < 0.62) this.#record(process);
    else if (what < 0.9) this.#patch(process);
    else if (what < 0.91) this.#edit(process, (editor) => editor.retire(request(dice.pick(WAFERS))));
    else if (what < 0.97) this.#settle(process);
    else this.#rule(process);
  }

  /** An operator purges what was born at one fab, as far as all members have applied it. */
  purge(process: NodeProcess, fab: FabId): void {
    // An older program does not write what it does not know.
    if (!process.knows('purge')) return;
    const wish = { olderThanDays: 0, fab };
    this.#asked(process.retention.purge(wish, { author: 'olga', reason: 'old' }), ({ updates }) => {
      this.counts.purged += updates;
    });
  }

  #results(process: NodeProcess): void {
    const dice = this.#dice;
    const own = this.#runs.filter(({ id }) => id.startsWith(prefixOf(process.fab)));
    const run = own.length > 0 && dice.chance(0.8) ? dice.pick(own) : this.#newRun(process);
    const from = run.next;
    run.next += 1 + dice.int(6);
    this.#write(process, batchOf(run, from, run.next));
  }

  /** The same is handed in once more, here or elsewhere. */
  #again(process: NodeProcess): void {
    const run = this.#runs.length > 0 ? this.#dice.pick(this.#runs) : null;
    if (!run || run.next === 0) return;
    const from = this.#dice.int(run.next);
    this.#write(process, batchOf(run, from, Math.min(run.next, from + 1 + this.#dice.int(8))));
  }

  #write(process: NodeProcess, batch: ResultsBatch): void {
    this.#asked(process.replica.write(batch), () => {
      for (const { index } of batch.attempts) {
        this.#ledger.acknowledge('attempt', `${batch.run.id}:${index}`, process.fab);
      }
    });
  }

  #record(process: NodeProcess): void {
    if (this.#runs.length === 0) return;
    const run = this.#dice.pick(this.#runs);
    const record = recordOf(run, this.#dice.chance(0.15));
    this.#asked(process.replica.recordRun(run, record), () =>
      this.#ledger.acknowledge('run', run.id, process.fab),
    );
  }

  #patch(process: NodeProcess): void {
    const operations = this.#dice
      .some(OPERATIONS, 0.15)
      .map((operation) => operation(this.#dice.int(10)))
      .map(([op, path, value]) => ({ op, path, ...(value === undefined ? {} : { value }) }));
    const wafer = this.#dice.pick(WAFERS);
    this.#edit(process, (editor) => editor.patch(request(wafer), JSON.stringify(operations), true));
  }

  #rule(process: NodeProcess): void {
    const field = this.#dice.pick(['/disposition', '/attributes/**', '/limits_revision']);
    const path = `/policies/*/${field.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    const patch = JSON.stringify([{ op: 'add', path, value: this.#dice.pick(POLICIES) }]);
    this.#edit(process, (editor) => editor.patch(request(MESH), patch, true));
  }

  #settle(process: NodeProcess): void {
    const { conflicts } = process.store;
    const ids = conflicts.ids({}, '', 50);
    if (ids.length === 0) return;
    const id = this.#dice.pick(ids);
    const members = membersOf(conflicts, id);
    if (members.length === 0) return;
    const { dot } = this.#dice.pick(members);
    const choose = { fab: dot.fab, epoch: dot.epoch, sequence: dot.sequence };
    this.#edit(process, (editor) => editor.resolve(id, { choose }, { author: 'pat', reason: 'looked' }));
  }

  #edit(process: NodeProcess, plan: (editor: Editor) => EditPlan): void {
    // An older program does not write what it does not know.
    if (process.knows('edit')) {
      this.#asked(process.replica.edit(plan), ({ dot }) => {
        if (dot) this.#ledger.editAcknowledged(dot);
      });
    }
  }

  /** What is acknowledged is noted; a refusal has to be one that a client expects. */
  #asked<T>(answer: Promise<T>, acknowledged: (value: T) => void): void {
    answer.then(
      (value) => {
        this.counts.acknowledged++;
        acknowledged(value);
      },
      (thrown: unknown) => {
        this.counts.refused++;
        if (!EXPECTED.has(WafersyncError.from(thrown).code)) this.#failed(thrown);
      },
    );
  }

  #newRun(process: NodeProcess): Run {
    const dice = this.#dice;
    const n = ++this.#made;
    const run: Run = {
      id: `${prefixOf(process.fab)}${n.toString(16).padStart(24, '0')}` as RunId,
      startedAtUs: 1_700_000_000_000_000 + dice.int(1000) * 1_000_000,
      wafer: dice.pick(WAFERS),
      program: dice.pick(PROGRAMS),
      next: 0,
    };
    if (this.#runs.length >= MAX_RUNS) this.#runs.shift();
    this.#runs.push(run);
    return run;
  }
}

/** Members of a conflict; none where one of them has rotted, which whoever asks is told. */
function membersOf(conflicts: Store['conflicts'], id: Parameters<Store['conflicts']['get']>[0]) {
  try {
    return conflicts.get(id)?.members ?? [];
  } catch (thrown) {
    if (thrown instanceof DamagedUpdate) return [];
    throw thrown;
  }
}

/** 8 hex digits that a fab's runs begin with. */
function prefixOf(fab: string): string {
  return Buffer.from(fab.padEnd(4, '-').slice(0, 4)).toString('hex');
}

function request(wafer: WaferKey) {
  return { wafer, author: 'kim', reason: '', expected: {} };
}

function batchOf({ id, startedAtUs, wafer, program }: Run, from: number, to: number): ResultsBatch {
  const attempts = Array.from({ length: to - from }, (_, i) => attemptOf(id, from + i));
  return { run: { id, startedAtUs }, wafer, program, attempts };
}

/** An attempt is a function of its run and index: whoever reads it knows what it has to hold. */
export function attemptOf(run: string, index: number): Attempt {
  const results = new ResultsBuilder();
  for (const [test, value] of valuesOf(run, index).entries()) {
    results.result(test, 0, 0);
    results.value64(value);
  }
  const bin = 1 + (hash(run, index) % 3);
  return {
    ...{ index, head: 1, site: index % 4, x: index % 7, y: index % 5, partId: `${index}` },
    ...{ hardBin: bin, softBin: bin, partFlags: bin === 1 ? 0 : 8, testCount: 3, testTimeMs: 1 },
    ...{ startedAtUs: null, sequenceSpan: 0, results: results.take() },
  };
}

/** Values of an attempt's results. */
export function valuesOf(run: string, index: number): number[] {
  return [0, 1, 2].map((test) => Math.fround(Math.sin(hash(run, index * 3 + test))));
}

function hash(run: string, n: number): number {
  let value = n + 1;
  for (const character of run) value = (Math.imul(value, 31) + character.charCodeAt(0)) >>> 0;
  return value;
}

function recordOf(run: Run, final: boolean): RunRecord {
  return {
    ...{ source: 'file', lot: run.wafer.lot, attempts: run.next, results: run.next * 3, complete: true },
    ...{
      incompleteReason: '',
      orphanResults: 0,
      fileName: `${run.id}.stdf`,
      contentDigest: run.id.repeat(2),
    },
    ...{
      equipmentId: 'T-1',
      streamId: '',
      product: `chip${run.id.at(-1)}`,
      jobName: 'job',
      jobRevision: '7',
    },
    ...{ records: [], final },
  };
}
