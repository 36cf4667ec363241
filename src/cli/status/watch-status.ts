import { pause } from '../../api/changes.ts';
import { WafersyncError } from '../../errors.ts';
import { syncMonitor } from '../../wire/services.ts';
import { realWorld } from '../../world.ts';
import { processScreen, Screen, type ScreenOutput } from '../demo/screen.ts';
import { withNode } from '../node-client.ts';
import type { Terminal } from '../output.ts';
import { type Answer, addressesOf, askNamed, askOn } from './ask.ts';
import type { MeshAnswers } from './mesh-view.ts';
import { statusJson, statusText } from './screen-text.ts';

/** Least time between two answers of a node that are looked at, milliseconds. */
const INTERVAL_MS = 500;
/** Least time between two screens, milliseconds. */
const REDRAW_MS = 500;
/** A screen on which nothing but time has passed is drawn again after this long, milliseconds. */
const TICK_MS = 2_000;
/** A node that went away is tried again after this long, milliseconds. */
const RETRY_MS = 2_000;
/** How long a node is waited for, milliseconds. */
const ANSWER_MS = 3_000;

/** What is watched. */
export interface WatchStatusOptions {
  /** host:port of a node. */
  readonly node: string;
  readonly json?: boolean;
}

/**
 * Tells the state of the mesh until it is told to stop: each node says when something of it has changed. A node that goes away
 * is shown as the others see it, and is tried again. Resolves to the exit code.
 * @throws WafersyncError where the named node cannot be reached at first
 */
export async function watchStatus(
  { node: address, json }: WatchStatusOptions,
  terminal: Terminal,
  signal: AbortSignal,
  output: ScreenOutput = processScreen,
): Promise<number> {
  const mesh = new WatchedMesh(address, await askNamed(address), signal);
  const text = () => statusText(mesh.answers(), realWorld.nowMs());
  const screen = new Screen(output, () => [...mesh.problems(), ...text().split('\n')]);
  const show = () => {
    if (json) terminal.out(JSON.stringify(statusJson(mesh.answers())));
    else if (output.columns === null) terminal.out([...mesh.problems(), text(), ''].join('\n'));
    else screen.redraw();
  };
  const steady = output.columns === null || json === true;
  show();
  mesh.follow();
  while (!signal.aborted) {
    // Where lines stay, time alone is no news.
    if ((await mesh.news(steady ? null : TICK_MS)) || !steady) show();
    await pause(realWorld, REDRAW_MS, signal);
  }
  screen.end();
  return 0;
}

/** The nodes of a mesh, each followed by a stream of its own. */
class WatchedMesh {
  readonly #address: string;
  readonly #signal: AbortSignal;
  /** The latest of the named node; an error stands beside it while it is away. */
  #named: Answer;
  #away: WafersyncError | null = null;
  readonly #others = new Map<string, Answer | WafersyncError>();
  readonly #followed = new Set<string>();
  #changed = false;
  #wake = () => {};
  readonly #tellWake = (): void => this.#wake();

  constructor(address: string, named: Answer, signal: AbortSignal) {
    this.#address = address;
    this.#named = named;
    this.#signal = signal;
  }

  /** What is known now. */
  answers(): MeshAnswers {
    const addresses = addressesOf(this.#named);
    return { named: this.#named, others: this.#others, addresses, address: this.#address };
  }

  /** Why the screen may be old. */
  problems(): string[] {
    return this.#away
      ? [`THE NODE AT ${this.#address} IS AWAY, what it said last: ${this.#away.line}`, '']
      : [];
  }

  /** Follows the named node, and every other one as soon as its address is known. */
  follow(): void {
    void this.#follow(
      () => this.#address,
      (answer) => {
        this.#away = null;
        this.#named = answer;
      },
      (error) => {
        this.#away = error;
      },
    );
    this.#followOthers();
  }

  /** Settles at the next change, or after a while; tells whether there was one. */
  async news(withinMs: number | null): Promise<boolean> {
    if (!this.#changed && !this.#signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      this.#signal.addEventListener('abort', this.#tellWake);
      const cancel = withinMs === null ? () => {} : realWorld.after('notify', withinMs, resolve);
      await promise;
      cancel();
      this.#signal.removeEventListener('abort', this.#tellWake);
    }
    const changed = this.#changed;
    this.#changed = false;
    return changed;
  }

  #followOthers(): void {
    for (const fab of addressesOf(this.#named).keys()) {
      if (this.#followed.has(fab)) continue;
      this.#followed.add(fab);
      void this.#follow(
        () => addressesOf(this.#named).get(fab) ?? null,
        (answer) => this.#others.set(fab, answer),
        (error) => this.#others.set(fab, error),
      );
    }
  }

  /** Follows one node for good: it is dialled again after it went away. */
  async #follow(
    addressOf: () => string | null,
    said: (answer: Answer) => void,
    failed: (error: WafersyncError) => void,
  ): Promise<void> {
    while (!this.#signal.aborted) {
      const address = addressOf();
      try {
        if (address !== null) await this.#listen(address, said);
      } catch (thrown) {
        if (this.#signal.aborted) return;
        failed(WafersyncError.from(thrown));
        this.#tell();
      }
      await pause(realWorld, RETRY_MS, this.#signal);
    }
  }

  async #listen(address: string, said: (answer: Answer) => void): Promise<void> {
    const signal = this.#signal;
    await withNode(
      syncMonitor,
      address,
      async (monitor) => {
        for await (const _ of monitor.WatchNode({ min_interval_ms: INTERVAL_MS }, { signal })) {
          said(await askOn(monitor, address, ANSWER_MS));
          this.#followOthers();
          this.#tell();
        }
      },
      ANSWER_MS,
    );
    throw new WafersyncError('unavailable', `the node at ${address} ended the watch`);
  }

  #tell(): void {
    this.#changed = true;
    this.#wake();
  }
}
