import type { SingleBar } from 'cli-progress';
import { duration, grouped, printable } from '../output.ts';
import { progressBar } from '../progress-bar.ts';

/** A verification that ends sooner shows no progress, milliseconds. */
const SHOW_AFTER_MS = 2_000;

/** What progress is shown by. */
export interface VerifyProgressOptions {
  /** Where a person sees it; null for nowhere. */
  readonly stream: NodeJS.WritableStream | null;
  /** Steady clock, milliseconds. */
  readonly steadyMs: () => number;
}

/** How far a verification is: a line on a terminal, nothing elsewhere. */
export class VerifyProgress {
  readonly #bar: SingleBar | null;
  readonly #steadyMs: () => number;
  readonly #beganMs: number;
  /** The node that was asked reads first; what it has is about what the others have. */
  #first: { readonly fab: string; subjects: number } | null = null;
  #isShown = false;

  constructor({ stream, steadyMs }: VerifyProgressOptions) {
    this.#steadyMs = steadyMs;
    this.#beganMs = steadyMs();
    this.#bar = stream && progressBar('{line}', stream);
  }

  /** Wafers and runs that a fab has read so far. */
  read(fab: string, subjects: number): void {
    this.#first ??= { fab, subjects: 0 };
    const isFirst = fab === this.#first.fab;
    if (isFirst) this.#first.subjects = subjects;
    const tookMs = this.#steadyMs() - this.#beganMs;
    if (tookMs < SHOW_AFTER_MS) return;
    const of = isFirst ? '' : ` of about ${grouped(this.#first.subjects)}`;
    const line = printable(`${fab}: ${grouped(subjects)}${of} wafers and runs read, ${duration(tookMs)}`);
    if (this.#isShown) this.#bar?.update(0, { line });
    else this.#bar?.start(1, 0, { line });
    this.#isShown = true;
  }

  /** Takes the line away, so that something else can be told; it comes again with what is read next. */
  clear(): void {
    if (this.#isShown) this.#bar?.stop();
    this.#isShown = false;
  }
}
