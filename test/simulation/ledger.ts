import assert from 'node:assert/strict';
import {
  type Dot,
  formatDot,
  type Origin,
  type OriginKey,
  originKey,
  sequence,
} from '../../src/clocks/dot.ts';
import { TransportVector } from '../../src/clocks/transport-vector.ts';
import type { Store } from '../../src/store/store.ts';
import { decodeAttemptTable } from '../../src/wafer/payload/decode.ts';
import type { Update } from '../../src/wafer/update.ts';
import { formatWafer, type WaferKey } from '../../src/wafer/wafer-key.ts';
import { decodeEdit } from '../../src/wire/edit.ts';
import { decodePurge } from '../../src/wire/purge.ts';
import type { ModelEdit } from '../support/document-model.ts';

/** An update as it was born. */
export interface Birth {
  readonly update: Update;
  /** Position among all births: an update comes behind everything that its fab had applied. */
  readonly order: number;
  /** For an edit: itself in the model of happens-before. */
  readonly model: ModelEdit | null;
}

/** What a client was told is durable. */
export interface Acknowledged {
  readonly what: 'attempt' | 'edit' | 'run';
  /** `run:index`; the edit's dot and which of those born under it; or the run. */
  readonly key: string;
  readonly fab: string;
}

/** What one machine has applied, edit by edit, as the model sees it. */
export type AppliedEdits = Map<string, Set<ModelEdit>>;

/** Everything that was born and acknowledged anywhere, and what each machine has applied. */
export class Ledger {
  /** By dot; more than one where two databases of a fab bore under the same. */
  readonly births = new Map<string, Birth[]>();
  readonly acknowledged = new Map<string, Acknowledged>();
  /** What was acknowledged, and was nowhere but on a disk that is lost. */
  readonly lost = new Set<string>();
  /** Lives of databases that were put back unseen, or run twice: they may bear under the same dots again. */
  readonly forkable = new Set<OriginKey>();
  /** Whether any did. */
  forked = false;
  #born = 0;
  /** Dots that each fab has applied, in whatever life. */
  /** What purges have named, with its content. */
  readonly #purged = new Set<string>();
  readonly #everApplied = new Map<string, Set<string>>();
  /** Updates that bring an attempt, or a run's record. */
  readonly #carriers = new Map<string, Update[]>();
  /** Updates that some node's commit told of: their dots are taken. */
  readonly #told = new Set<string>();

  /** An update is born; what its fab has applied of the wafer is its past. Null for one that nobody can apply. */
  born(update: Update, applied: AppliedEdits | null): void {
    const { dot } = update.header;
    const name = formatDot(dot);
    const forkable = this.forkable.has(originKey(dot));
    // One whose commit was lost with the power gives its sequence to the next one.
    assert.ok(forkable || !this.#told.has(name), `${name} is born again, with other content`);
    const model = applied && modelOf(update, applied.get(formatWafer(update.header.wafer)) ?? new Set());
    const birth = { update, order: this.#born++, model };
    const known = this.births.get(name) ?? [];
    if (forkable && this.#told.has(name)) this.forked = true;
    this.births.set(name, forkable ? [...known, birth] : [birth]);
    for (const key of carriedBy(update))
      this.#carriers.set(key, [...(this.#carriers.get(key) ?? []), update]);
  }

  /** A fab has applied updates, durably. */
  hadApplied(fab: string, dots: readonly Dot[]): void {
    const applied = this.#everApplied.get(fab) ?? new Set();
    this.#everApplied.set(fab, applied);
    for (const dot of dots) applied.add(formatDot(dot));
  }

  /** If an update is a purge: every member has applied what it names, unless an earlier purge has named it, which gave way. */
  mayPurge({ header, payload }: Update, members: readonly string[]): void {
    if (header.kind !== 'purge') return;
    for (const { dot, stubDigest } of decodePurge(payload).purged) {
      const name = formatDot(dot);
      const content = `${name} ${Buffer.from(stubDigest).toString('hex')}`;
      if (this.#purged.has(content)) continue;
      this.#purged.add(content);
      for (const fab of members) {
        const has = this.#everApplied.get(fab)?.has(name);
        assert.ok(has, `${formatDot(header.dot)} purges ${name}, which ${fab} has never applied`);
      }
    }
  }

  /** Whether just this update was born. */
  knows(update: Update): boolean {
    return this.#birthOf(update) !== undefined;
  }

  acknowledge(what: Acknowledged['what'], key: string, fab: string): void {
    this.acknowledged.set(`${what} ${key}`, { what, key, fab });
  }

  editAcknowledged(dot: Dot): void {
    const births = this.births.get(formatDot(dot)) ?? [];
    this.acknowledge('edit', `${formatDot(dot)} ${births.length - 1}`, dot.fab);
  }

  /** The edit that an acknowledgement was for. */
  editOf(key: string): Update | undefined {
    const [name, n] = key.split(' ') as [string, string];
    return this.births.get(name)?.[Number(n)]?.update;
  }

  /** A disk is lost, or was put back as it was: what was acknowledged and is in none of the stores is lost with it. */
  lose(stores: readonly Store[]): void {
    for (const [name, { what, key }] of this.acknowledged) {
      const somewhere = this.#carriersOf({ what, key }).some(({ header, digest }) =>
        stores.some((store) => {
          const stored = store.log.digestOf(header.dot);
          return stored !== null && Buffer.compare(stored, digest) === 0;
        }),
      );
      if (!somewhere) this.lost.add(name);
    }
  }

  /**
   * Whether what was acknowledged is kept aside somewhere: it gave way to what another database of the fab had borne, and
   * the fab itself, which would have issued it again, has lost it since.
   */
  keptAside(acknowledged: Acknowledged, stores: readonly Store[]): boolean {
    const others = stores.filter(({ origin }) => origin.fab !== acknowledged.fab);
    return this.#carriersOf(acknowledged).some((update) => others.some(({ forks }) => forks.keeps(update)));
  }

  #carriersOf({ what, key }: Pick<Acknowledged, 'what' | 'key'>): readonly Update[] {
    const edit = what === 'edit' ? this.editOf(key) : undefined;
    return edit ? [edit] : (this.#carriers.get(`${what} ${key}`) ?? []);
  }

  /** Content that some node has under a dot. */
  content(update: Update, where: string): void {
    const name = formatDot(update.header.dot);
    this.#told.add(name);
    assert.ok(this.births.has(name), `${where} has ${name}, which was never born`);
    assert.ok(this.#birthOf(update), `${where} has other content under ${name}`);
  }

  /** What a store has applied, told by its rows; and that its vectors say the same. */
  applied(store: Store, where: string): AppliedEdits {
    const edits: AppliedEdits = new Map();
    let applied = TransportVector.empty;
    const said = store.vectors.applied;
    for (const [origin, { intervals }] of said.entries()) {
      for (const { from, to } of intervals) {
        for (let n = from; n <= to; n++) {
          const dot = { ...origin, sequence: sequence(n) };
          if (store.log.digestOf(dot) === null) continue;
          applied = applied.add(dot);
          this.hadApplied(store.origin.fab, [dot]);
          // What has rotted is fetched again; what was folded from it is what was born.
          const sound = store.log.getSound(dot);
          if (sound) this.content(sound, where);
          const update = sound ?? this.births.get(formatDot(dot))?.at(-1)?.update;
          if (update) this.noteEdit(edits, update);
        }
      }
    }
    assert.ok(applied.equals(said), `${where} says that it applied ${said}, and has rows of ${applied}`);
    return edits;
  }

  /** An edit is applied at a machine. */
  noteEdit(edits: AppliedEdits, update: Update): void {
    const model = this.#birthOf(update)?.model;
    if (!model) return;
    const wafer = formatWafer(update.header.wafer);
    edits.set(wafer, (edits.get(wafer) ?? new Set()).add(model));
  }

  /** The transaction that applied it was undone. */
  forgetEdit(edits: AppliedEdits, update: Update): void {
    const model = this.#birthOf(update)?.model;
    if (model) edits.get(formatWafer(update.header.wafer))?.delete(model);
  }

  /** A life of a database may go on twice from here. */
  mayFork({ fab, epoch }: Origin): void {
    this.forkable.add(originKey({ fab, epoch }));
  }

  /** Edits of a wafer, in an order in which each comes behind its past. */
  editsOf(wafer: WaferKey): Birth[] {
    const name = formatWafer(wafer);
    return [...this.births.values()]
      .flat()
      .filter(({ model, update }) => model !== null && formatWafer(update.header.wafer) === name)
      .sort((a, b) => a.order - b.order);
  }

  #birthOf({ header, digest }: Update): Birth | undefined {
    const births = this.births.get(formatDot(header.dot)) ?? [];
    return births.find(({ update }) => Buffer.compare(update.digest, digest) === 0);
  }
}

/** What an update makes durable. */
function carriedBy({ header, payload }: Update): string[] {
  if (header.kind === 'run') return [`run ${header.run!.id}`];
  if (header.kind !== 'results') return [];
  return decodeAttemptTable(payload).map(({ index }) => `attempt ${header.run!.id}:${index}`);
}

function modelOf({ header, payload }: Update, past: ReadonlySet<ModelEdit>): ModelEdit | null {
  if (header.kind !== 'edit' && header.kind !== 'retire') return null;
  const { writes, guards } = decodeEdit(payload);
  return {
    dot: header.dot,
    timestamp: header.timestamp,
    writes: new Map(writes.map(({ field, value }) => [field as string, value])),
    guards,
    applied: new Set(past),
  };
}
