import { constants, type Dirent } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { WafersyncError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { Cancel, World } from '../../world.ts';
import { lookAt } from './look.ts';
import { OUTCOMES } from './put-away.ts';
import { type FileState, Settling } from './settling.ts';
import { type ImportFile, takeFile } from './take-file.ts';
import { FolderWatch } from './watch.ts';

/** What a drop folder is made of. */
export interface DropFolderOptions {
  readonly folder: string;
  /** How long a file must not change before it is taken. */
  readonly settleMs: number;
  /** How often the folder is looked through for what was missed, and what had to wait is tried again. */
  readonly rescanMs: number;
  /** Files taken at once. */
  readonly parallel: number;
  /** Largest file that is taken. */
  readonly maxBytes: number;
  /** Most files that are waited for at once; the others are found later. Default 10,000. */
  readonly maxWaiting?: number;
  readonly importFile: ImportFile;
  readonly world: World;
  readonly log: Log;
}

/** Most files that are waited for at once, settled or not, where nothing else is said. */
const MAX_WAITING = 10_000;
/** Most things left alone that are told of. */
const MAX_TOLD = 10_000;

/**
 * A folder whose files are taken: once their size and time have stood still they are imported, a few at a time, and moved to
 * done/ or failed/. The system tells of changes; a slow rescan is a safety net.
 *
 * Invariant: a name is settling, ready or being taken, never two of them. Together they are at most
 * `maxWaiting`; the others are found by a rescan once there is room.
 */
export class DropFolder {
  readonly #options: DropFolderOptions;
  readonly #maxWaiting: number;
  readonly #settling: Settling;
  readonly #watch: FolderWatch;
  readonly #stopping = new AbortController();
  /** Settled, in the order in which they settled. */
  readonly #ready = new Map<string, FileState>();
  readonly #taking = new Map<string, Promise<void>>();
  /** What was left alone and told of. */
  readonly #told = new Set<string>();
  readonly #timers = new Map<'look' | 'rescan' | 'pause', Cancel>();
  #lookMs = Number.POSITIVE_INFINITY;
  #looking: Promise<void> | null = null;
  #rescanning: Promise<void> | null = null;
  /** There are more files than can be waited for. */
  #more = false;
  /** Files moved away since the last rescan began. */
  #moved = 0;
  #unreachable = false;

  private constructor(options: DropFolderOptions) {
    this.#options = options;
    this.#maxWaiting = options.maxWaiting ?? MAX_WAITING;
    this.#settling = new Settling(options.settleMs);
    this.#watch = new FolderWatch(options.folder, (name) => this.#hear(name));
  }

  /** Makes the folder where it is missing. @throws WafersyncError `precondition` where it cannot be used */
  static async open(options: DropFolderOptions): Promise<DropFolder> {
    const { folder } = options;
    try {
      for (const outcome of OUTCOMES) await mkdir(join(folder, outcome), { recursive: true });
      await access(folder, constants.R_OK | constants.W_OK);
    } catch (error) {
      throw new WafersyncError(
        'precondition',
        `the drop folder ${folder} cannot be used: ${(error as Error).message}`,
        { hint: 'Let this user write there, or set intake.folder to another folder.', cause: error },
      );
    }
    return new DropFolder(options);
  }

  /** Begins to take files. */
  start(): void {
    this.#options.log.info('folder.watching', { folder: this.#options.folder });
    this.#rescan();
  }

  /** Takes no more files; resolves when nothing is under way. What is not taken to its end stays where it is. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const cancel of this.#timers.values()) cancel();
    this.#watch.end();
    await this.#rescanning;
    await this.#looking;
    await Promise.all(this.#taking.values());
  }

  get #stopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  get #nowMs(): number {
    return this.#options.world.steadyMs();
  }

  #after(timer: 'look' | 'rescan' | 'pause', delayMs: number, run: () => void): void {
    this.#timers.get(timer)?.();
    if (!this.#stopped) this.#timers.set(timer, this.#options.world.after('folder', delayMs, run));
  }

  /** Something was heard of a name. One that is being taken is looked at again afterwards, unless it is gone. */
  #hear(name: string): void {
    if (this.#stopped || isOutcome(name)) return;
    if (this.#settling.has(name)) this.#settling.delay(name, this.#nowMs);
    else this.#add(name, this.#nowMs);
  }

  /** Waits for a file, unless it is dealt with. */
  #add(name: string, dueMs: number): void {
    if (this.#settling.has(name) || this.#ready.has(name) || this.#taking.has(name)) return;
    if (this.#waiting >= this.#maxWaiting) {
      this.#more = true;
      return;
    }
    this.#settling.add(name, dueMs);
    this.#lookAt(dueMs);
  }

  get #waiting(): number {
    return this.#settling.size + this.#ready.size + this.#taking.size;
  }

  /** Sets the timer of the next look, unless it comes earlier. */
  #lookAt(dueMs: number): void {
    if (dueMs >= this.#lookMs || this.#looking) return;
    this.#lookMs = dueMs;
    this.#after('look', Math.max(0, dueMs - this.#nowMs), () => {
      this.#looking = this.#look().finally(() => {
        this.#looking = null;
        this.#lookMs = Number.POSITIVE_INFINITY;
        this.#lookAt(this.#settling.dueMs);
      });
    });
  }

  /** Looks at the files that are due. */
  async #look(): Promise<void> {
    for (const name of this.#settling.due(this.#nowMs)) {
      if (this.#stopped) return;
      const found = await lookAt(join(this.#options.folder, name));
      if (found.kind === 'gone') this.#settling.forget(name);
      else if (this.#settling.look(name, found.state, this.#nowMs)) {
        if (found.kind === 'file') this.#ready.set(name, found.state);
        else this.#tell(name, found.why);
      }
    }
    this.#takeMore();
  }

  /** Says once that something is left alone. */
  #tell(name: string, why: string): void {
    if (this.#told.has(name) || this.#told.size === MAX_TOLD) return;
    this.#told.add(name);
    this.#options.log.info('folder.left_alone', { file: name, reason: why });
    if (this.#told.size === MAX_TOLD) this.#options.log.info('folder.left_alone_untold', { told: MAX_TOLD });
  }

  #takeMore(): void {
    for (const [name, state] of this.#ready) {
      if (this.#taking.size >= this.#options.parallel || this.#timers.has('pause') || this.#stopped) return;
      this.#ready.delete(name);
      this.#taking.set(name, this.#take(name, state));
    }
    // Only after progress: else what cannot be taken would be looked through again and again.
    if (this.#more && this.#moved > 0 && this.#waiting < this.#maxWaiting / 2) this.#rescan();
  }

  async #take(name: string, state: FileState): Promise<void> {
    const { rescanMs } = this.#options;
    const taken = await takeFile(name, state, { ...this.#options, signal: this.#stopping.signal });
    this.#taking.delete(name);
    if (taken === 'moved') this.#moved++;
    if (taken === 'full') this.#pause(rescanMs);
    // What was heard of it meanwhile was not heeded, so it is looked at again, gone or not.
    this.#add(name, this.#nowMs + (taken === 'waits' || taken === 'full' ? rescanMs : 0));
    this.#takeMore();
  }

  /** The disk is full: trying the other files would be work for nothing. */
  #pause(forMs: number): void {
    this.#after('pause', forMs, () => {
      this.#timers.delete('pause');
      this.#takeMore();
    });
  }

  /** Looks through the folder, now and again. */
  #rescan(): void {
    if (this.#rescanning) return;
    this.#rescanning = this.#lookThrough().finally(() => {
      this.#rescanning = null;
      this.#after('rescan', this.#options.rescanMs, () => this.#rescan());
    });
  }

  async #lookThrough(): Promise<void> {
    this.#more = false;
    this.#moved = 0;
    // Without being told of changes, the folder is still looked through.
    const unwatched = await failureOf(this.#watch.begin());
    const unread = await failureOf(this.#addAll());
    const failure = unwatched ?? unread;
    const { folder, log } = this.#options;
    if (failure && !this.#unreachable) log.warn('folder.unreachable', { folder }, failure);
    if (!failure && this.#unreachable) log.info('folder.reachable', { folder });
    this.#unreachable = failure !== null;
  }

  async #addAll(): Promise<void> {
    for await (const entry of this.#watch.entries()) {
      if (this.#stopped) return;
      if (!isOutcome(entry.name) && !this.#isToldOf(entry)) this.#add(entry.name, this.#nowMs);
    }
  }

  /** Whether something is never taken, and all is said of it. */
  #isToldOf(entry: Dirent): boolean {
    const isNone = entry.name.startsWith('.') || !entry.isFile();
    return isNone && (this.#told.has(entry.name) || this.#told.size === MAX_TOLD);
  }
}

function isOutcome(name: string): boolean {
  return OUTCOMES.some((outcome) => outcome === name);
}

async function failureOf(work: Promise<void>): Promise<WafersyncError | null> {
  try {
    await work;
    return null;
  } catch (error) {
    return WafersyncError.from(error, 'unavailable');
  }
}
