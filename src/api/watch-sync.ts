import { WafersyncError } from '../errors.ts';
import { wafersync } from '../gen/wafersync.js';
import type { Commit } from '../replica/commit.ts';
import type { EventSource } from '../replica/event-source.ts';
import { touchedBy } from '../sync/lot-book.ts';
import { type WaferFacts, waferFacts } from '../sync/wafer-facts.ts';
import { isMesh } from '../wafer/document/mesh.ts';
import type { WaferKey } from '../wafer/wafer-key.ts';
import { fromNumber } from '../wire/long.ts';
import type { Message } from '../wire/message.ts';
import type { World } from '../world.ts';
import { onChange, pause } from './changes.ts';
import { unsyncedWafers } from './list-wafers.ts';
import { meshNow, type StatusSources, waferStatus } from './wafer-status.ts';

const { SyncState } = wafersync.v1;

/** What a watch is made of. */
export interface WatchSources extends StatusSources {
  readonly world: World;
  readonly commits: Pick<EventSource<Commit<unknown>>, 'subscribe'>;
}

/** Where a client does not say: least time between two looks, milliseconds; and what it may say. */
const DEFAULT_INTERVAL_MS = 100;
const MIN_INTERVAL_MS = 20;
const MAX_INTERVAL_MS = 3_600_000;

/** Wafers that are looked at before others have their turn. */
const LOOK = 100;

/** Wafers that one watch follows. */
const MAX_FOLLOWED = 1_000;

type News = Message<'WatchSyncStatusResponse'>;

/** A wafer that is followed. */
interface Followed {
  readonly key: WaferKey;
  /** Null where a commit may have changed them since. */
  facts: WaferFacts | null;
  /** The message that was told last, as text. */
  told: string;
}

/** Wafers as they are, and on each change. */
export async function* watchSync(
  sources: WatchSources,
  request: Message<'WatchSyncStatusRequest'>,
  signal: AbortSignal,
): AsyncGenerator<News> {
  const watch = new Watch(sources, request);
  const unsubscribe = sources.commits.subscribe((commit) => watch.committed(commit));
  try {
    for await (const key of watch.present(signal)) watch.follow(key);
    let first = true;
    const wished = request.min_interval_ms || DEFAULT_INTERVAL_MS;
    const interval = Math.min(Math.max(wished, MIN_INTERVAL_MS), MAX_INTERVAL_MS);
    for await (const _ of onChange(sources.sync.changes, sources.world, interval, signal)) {
      if (watch.membersChanged()) for await (const key of watch.present(signal)) watch.follow(key);
      yield* watch.news(signal);
      if (first) yield { up_to_date: true };
      first = false;
    }
  } finally {
    unsubscribe();
  }
}

/**
 * The wafers that one client follows.
 *
 * Invariant: facts that are kept of a wafer are those of the database, as of the last commit.
 */
class Watch {
  readonly #sources: WatchSources;
  readonly #names: { readonly waferId: string; readonly lot: string; readonly insertion: string };
  readonly #followed = new Map<string, Followed>();
  /** Wafers that match and are not followed, at most as many as are. */
  readonly #leftOut = new Set<string>();
  #leftOutTold = 0;
  /** Members when it last looked. */
  #members: string;

  constructor(sources: WatchSources, request: Message<'WatchSyncStatusRequest'>) {
    this.#sources = sources;
    const { wafer_id, lot, insertion } = request;
    this.#names = { waferId: wafer_id ?? '', lot: lot ?? '', insertion: insertion ?? '' };
    this.#members = sources.membership.members().join();
    if (insertion && !wafer_id) {
      throw new WafersyncError('invalid', 'insertion is given, and wafer_id is empty', {
        hint: 'Name the wafer, or only its lot, or nothing for all.',
      });
    }
  }

  /** The wafers that are there when the watch begins; of all, those that are not SYNCED. */
  async *present(signal: AbortSignal): AsyncGenerator<WaferKey> {
    const { store } = this.#sources;
    const { waferId, lot } = this.#names;
    if (waferId !== '') {
      for (const key of store.waferNames.find(this.#names)) yield key;
    } else if (lot !== '') {
      for (const key of store.lots.wafers(lot, 2 * MAX_FOLLOWED)) yield key;
    } else yield* unsyncedWafers(this.#sources, signal);
  }

  /** Whether others belong to the mesh than when this was asked last: wafers that were SYNCED may be so no more. */
  membersChanged(): boolean {
    const before = this.#members;
    this.#members = this.#sources.membership.members().join();
    return this.#members !== before;
  }

  /** Follows a wafer, as far as there is room. */
  follow(key: WaferKey): void {
    const name = nameOf(key);
    if (this.#followed.has(name)) return;
    if (this.#followed.size < MAX_FOLLOWED) this.#followed.set(name, { key, facts: null, told: '' });
    else if (this.#leftOut.size < MAX_FOLLOWED) this.#leftOut.add(name);
  }

  /** What is remembered of the wafers that a commit names is looked up again; those that are new are followed. */
  committed(commit: Commit<unknown>): void {
    const touched = touchedBy(commit);
    for (const followed of this.#followed.values()) {
      const counts = () => followed.facts?.runs.some(({ id }) => touched?.runs.has(id)) ?? false;
      if (touched === null || counts()) followed.facts = null;
    }
    const named = touched?.wafers ?? commit.added.map(({ update }) => update.header.wafer);
    for (const key of named) {
      if (key.waferId === '' || isMesh(key) || !this.#matches(key)) continue;
      this.follow(key);
      const followed = this.#followed.get(nameOf(key));
      if (followed) followed.facts = null;
    }
  }

  /** The wafers of which something is other than it was told. */
  async *news(signal: AbortSignal): AsyncGenerator<News> {
    const mesh = meshNow(this.#sources);
    this.#takeIn();
    let looked = 0;
    for (const [name, followed] of this.#followed) {
      if (++looked % LOOK === 0) await pause(this.#sources.world, 1, signal);
      followed.facts ??= waferFacts(this.#sources.store, followed.key);
      const { message } = waferStatus(followed.facts, mesh);
      const text = JSON.stringify(message);
      const isNews = text !== followed.told;
      followed.told = text;
      // Of all wafers, one that is everywhere makes room until something of it comes.
      if (this.#ofAll && message.state === SyncState.SYNCED) this.#followed.delete(name);
      if (isNews) yield { wafer: message };
    }
    if (this.#leftOut.size === this.#leftOutTold) return;
    this.#leftOutTold = this.#leftOut.size;
    yield { left_out_wafers: fromNumber(this.#leftOutTold) };
  }

  /** Follows wafers that were left out, as far as there is room now. */
  #takeIn(): void {
    for (const name of this.#leftOut) {
      if (this.#followed.size >= MAX_FOLLOWED) return;
      this.#leftOut.delete(name);
      const [lot, waferId, insertion] = JSON.parse(name) as [string, string, string];
      this.follow({ lot, waferId, insertion });
    }
  }

  get #ofAll(): boolean {
    return this.#names.waferId === '' && this.#names.lot === '';
  }

  #matches(key: WaferKey): boolean {
    const { waferId, lot, insertion } = this.#names;
    return (
      (waferId === '' || key.waferId === waferId) &&
      (lot === '' || key.lot === lot) &&
      (insertion === '' || key.insertion === insertion)
    );
  }
}

function nameOf({ lot, waferId, insertion }: WaferKey): string {
  return JSON.stringify([lot, waferId, insertion]);
}
