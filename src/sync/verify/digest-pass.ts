import type { Dot } from '../../clocks/dot.ts';
import type { TransportVector } from '../../clocks/transport-vector.ts';
import { WafersyncError } from '../../errors.ts';
import type { Store } from '../../store/store.ts';
import type {
  DigestReader,
  ListedSubject,
  ReadSubject,
  Thoroughness,
} from '../../store/verify/digest-reader.ts';
import { DigestTree, type Leaf } from '../../wafer/digest-tree.ts';
import type { ProgramDigest } from '../../wafer/program.ts';
import type { Turns } from '../turns.ts';
import type { LookedAt } from './questions.ts';

/** Subjects that a node keeps digests of while it is compared. */
const MAX_SUBJECTS = 500_000;

/** Subjects, and milliseconds, after which it is told how far it is: whoever asked takes a node that says nothing for silent. */
const TELL_EVERY = 1_000;
const TELL_EVERY_MS = 2_000;

/** Bytes of test programs read between two points at which a reading may give way. */
const PROGRAM_BYTES_AT_ONCE = 1024 * 1024;

/** An update, and the subject that it is of. */
export interface FoundDot extends ListedSubject {
  readonly dot: Dot;
}

/** What a pass finds wrong by itself, without a peer. */
export interface FoundByPass {
  readonly damaged: readonly FoundDot[];
  readonly misfiled: readonly FoundDot[];
  readonly programs: readonly ProgramDigest[];
  /** Updates that count as received and have no row. */
  readonly missing: readonly Dot[];
}

/** What a pass works with. */
export interface PassOptions {
  readonly store: Pick<Store, 'digests' | 'vectors' | 'log' | 'programs'>;
  readonly turns: Turns;
  readonly signal: AbortSignal;
  readonly thoroughness: Thoroughness;
  /** Told now and then how many subjects were read. */
  readonly reading?: (subjects: number) => void;
}

/**
 * One reading of everything that a node has, as a tree of digests. Each subject is read as of one moment, and says which
 * updates it was made of; different subjects are of different moments, while the node goes on.
 */
export class DigestPass {
  readonly #options: PassOptions;
  readonly #reader: DigestReader;
  readonly #subjects = new Map<string, ListedSubject>();
  readonly #found = {
    damaged: [] as FoundDot[],
    misfiled: [] as FoundDot[],
    programs: [] as ProgramDigest[],
    missing: [] as Dot[],
  };
  #tree = DigestTree.of([]);
  #wafers = 0;
  /** When it was last told how far it is. */
  #toldMs: number;

  private constructor(options: PassOptions) {
    this.#options = options;
    this.#reader = options.store.digests();
    this.#toldMs = options.turns.steadyMs();
  }

  /**
   * Reads everything. Close the pass when done.
   * @throws WafersyncError `cancelled`, `exhausted` where there is more than a pass can hold
   */
  static async read(options: PassOptions): Promise<DigestPass> {
    const pass = new DigestPass(options);
    try {
      await pass.#readAll();
      return pass;
    } catch (thrown) {
      pass.close();
      throw thrown;
    }
  }

  /** What of the log it reads. */
  get thoroughness(): Thoroughness {
    return this.#options.thoroughness;
  }

  /** How many wafers it has read. */
  get wafers(): number {
    return this.#wafers;
  }

  get tree(): DigestTree {
    return this.#tree;
  }

  get found(): FoundByPass {
    return this.#found;
  }

  /** Whether the pass found anything wrong by itself. */
  get foundAnything(): boolean {
    return Object.values(this.#found).some(({ length }) => length > 0);
  }

  /** A subject by its key; undefined where this node had none of it. */
  subject(key: string): ListedSubject | undefined {
    return this.#subjects.get(key);
  }

  /** Reads some subjects again; such as are not known here are left out. */
  async look(keys: readonly string[]): Promise<LookedAt[]> {
    const looked: LookedAt[] = [];
    for (const key of keys) {
      const listed = this.#subjects.get(key);
      if (!listed) continue;
      const { leaf, tables } = await this.#read(listed);
      looked.push({ key, subject: listed.subject, leaf, tables });
    }
    return looked;
  }

  /** Closes the connection that it reads by. */
  close(): void {
    this.#reader.close();
  }

  async #readAll(): Promise<void> {
    const { turns, signal, thoroughness } = this.#options;
    const leaves: Leaf[] = [];
    for (const page of this.#reader.list()) for (const listed of page) await this.#take(listed, leaves);
    const rows = thoroughness === 'bytes' ? await this.#overlook() : this.#reader.purges();
    for (const row of rows) {
      const purge = this.#reader.purge(row);
      if (purge) await this.#take(purge, leaves);
    }
    if (thoroughness === 'bytes') await this.#readPrograms();
    await turns.end(signal);
    this.#tree = DigestTree.of(leaves);
  }

  async #take(listed: ListedSubject, leaves: Leaf[]): Promise<void> {
    const { reading, thoroughness } = this.#options;
    const { leaf, damaged, misfiled } = await this.#read(listed);
    if (thoroughness === 'bytes') {
      this.#found.damaged.push(...damaged.map((dot) => ({ ...listed, dot })));
      this.#found.misfiled.push(...misfiled.map((dot) => ({ ...listed, dot })));
    }
    if (!leaf) return;
    if (leaves.length === MAX_SUBJECTS) {
      throw new WafersyncError('exhausted', `this node has more than ${MAX_SUBJECTS} wafers and runs`, {
        hint: 'So many cannot be verified in one pass; rot is still found by the scrub.',
      });
    }
    leaves.push(leaf);
    if (listed.kind === 'wafer') this.#wafers++;
    this.#subjects.set(leaf.key, listed);
    const isLate = this.#options.turns.steadyMs() - this.#toldMs >= TELL_EVERY_MS;
    if (leaves.length % TELL_EVERY !== 0 && !isLate) return;
    this.#toldMs = this.#options.turns.steadyMs();
    reading?.(leaves.length);
  }

  async #read(listed: ListedSubject): Promise<ReadSubject> {
    const { turns, signal, thoroughness } = this.#options;
    await turns.between(signal);
    return turns.run(this.#reader.read(listed, thoroughness), signal);
  }

  /** Rows of purges; finds what has no row on the way. */
  async #overlook(): Promise<readonly number[]> {
    const { store, turns, signal } = this.#options;
    // Before any row is looked at: what comes meanwhile may be behind the place.
    const before = hasRow(store);
    const { rows, purges } = await turns.run(this.#reader.overview(), signal);
    const gone = before.difference(rows).intersection(hasRow(store));
    for (const [origin, { intervals }] of gone.entries()) {
      for (const { from, to } of intervals) {
        for (let n = from; n <= to && this.#found.missing.length < MAX_SUBJECTS; n++)
          this.#found.missing.push({ ...origin, sequence: n as Dot['sequence'] });
      }
    }
    return purges;
  }

  async #readPrograms(): Promise<void> {
    const { store, turns, signal } = this.#options;
    for (let behind = ''; ; ) {
      const checked = store.programs.check(behind, PROGRAM_BYTES_AT_ONCE);
      this.#found.programs.push(...checked.filter(({ sound }) => !sound).map(({ digest }) => digest));
      const last = checked.at(-1);
      if (!last) return;
      behind = last.digest;
      await turns.between(signal);
    }
  }
}

/** What the node's vectors say has a row in the log. */
function hasRow({ vectors, log }: Pick<Store, 'vectors' | 'log'>): TransportVector {
  return vectors.received.join(log.damaged);
}
