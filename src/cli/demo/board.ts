import { pause } from '../../api/changes.ts';
import { nodeFailure } from '../../api/node-failure.ts';
import type { wafersync } from '../../gen/wafersync.js';
import { toNumber } from '../../wire/long.ts';
import { syncMonitor } from '../../wire/services.ts';
import { realWorld } from '../../world.ts';
import { withNode } from '../node-client.ts';
import { grouped } from '../output.ts';
import { addressOf, type DemoFab } from './fabs.ts';

type NodeState = wafersync.v1.NodeState.$Properties;

/** What is shown of one fab. */
export interface FabLine {
  readonly fab: DemoFab;
  state: string;
  peersUp: number;
  results: number;
  resultsPerSecond: number;
  lagMs: number;
  /** Its process has ended. */
  ended: boolean;
}

/** Least time between two states of a fab, milliseconds. */
const INTERVAL_MS = 200;
/** A node that has ended is tried again after this long, milliseconds. */
const RETRY_MS = 1_000;
/** A rate is measured over this long, milliseconds. */
const RATE_MS = 1_000;

/** Follows the five nodes; a line a fab. */
export class Board {
  readonly lines: readonly FabLine[];
  readonly #nowMs: () => number;
  readonly #changed: (line: FabLine) => void;
  readonly #samples = new Map<FabLine, { atMs: number; results: number }[]>();
  readonly #closing = new AbortController();

  /** @param changed called after each change of a line */
  constructor(fabs: readonly DemoFab[], nowMs: () => number, changed: (line: FabLine) => void) {
    this.#nowMs = nowMs;
    this.#changed = changed;
    this.lines = fabs.map((fab) => ({
      fab,
      state: 'starting',
      peersUp: 0,
      results: 0,
      resultsPerSecond: 0,
      lagMs: 0,
      ended: false,
    }));
  }

  /** Watches the node of a line until it ends. */
  async follow(line: FabLine): Promise<void> {
    const address = addressOf(line.fab);
    const { signal } = this.#closing;
    try {
      await withNode(syncMonitor, address, async (monitor) => {
        for await (const { node } of monitor.WatchNode({ min_interval_ms: INTERVAL_MS }, { signal })) {
          if (node) this.#show(line, node);
        }
      });
    } catch (thrown) {
      this.#say(line, nodeFailure(thrown, address).message);
    }
  }

  /** Watches the node of a line whose process has ended, as often as a person starts it again. */
  async followAgain(line: FabLine): Promise<void> {
    while (!this.closed) {
      await this.follow(line);
      await pause(realWorld, RETRY_MS, this.#closing.signal);
    }
  }

  /** Asks every node for its state, so that the lines tell what is true now. */
  async look(): Promise<void> {
    const looks = this.lines.map((line) =>
      withNode(syncMonitor, addressOf(line.fab), async (monitor) => {
        const { node } = await monitor.GetNode({});
        if (node) this.#show(line, node);
      }),
    );
    await Promise.all(looks);
  }

  /** The process of a line has ended: nothing else is said of it until its node answers again. */
  end(line: FabLine, how: string): void {
    this.#say(line, how);
    line.ended = true;
  }

  /** The rate falls to 0 when nothing arrives, though no state is told then. */
  refresh(): void {
    for (const line of this.lines) line.resultsPerSecond = this.#rate(line, line.results);
  }

  /** Whether {@link close} was called. */
  get closed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Ends the watching; no line changes any more. */
  close(): void {
    this.#closing.abort();
  }

  #say(line: FabLine, state: string): void {
    if (this.closed || line.ended) return;
    line.state = state;
    line.peersUp = 0;
    line.resultsPerSecond = 0;
    this.#changed(line);
  }

  #show(line: FabLine, node: NodeState): void {
    if (this.closed) return;
    line.ended = false;
    const peers = node.peers ?? [];
    line.peersUp = peers.filter(({ outbound_up, inbound_up }) => outbound_up && inbound_up).length;
    line.results = toNumber(node.results);
    line.resultsPerSecond = this.#rate(line, line.results);
    line.lagMs = node.last_lag_ms ?? 0;
    const missing = toNumber(node.missing_updates);
    if (missing > 0) line.state = `catching up, ${grouped(missing)} updates to come`;
    else line.state = line.peersUp < peers.length ? 'connecting' : 'in sync';
    this.#changed(line);
  }

  #rate(line: FabLine, results: number): number {
    const now = this.#nowMs();
    const samples = (this.#samples.get(line) ?? []).filter(({ atMs }) => now - atMs <= RATE_MS);
    samples.push({ atMs: now, results });
    this.#samples.set(line, samples);
    const first = samples[0]!;
    return samples.length < 2
      ? 0
      : ((results - first.results) * 1000) / Math.max(now - first.atMs, INTERVAL_MS);
  }
}

/** A line as text. */
export function lineText(line: FabLine, fabs: number): string {
  const { fab, place } = line.fab;
  return [
    fab,
    place.padEnd(8),
    `${line.peersUp}/${fabs - 1} peers`,
    `${grouped(line.results).padStart(12)} results`,
    `${grouped(Math.round(line.resultsPerSecond)).padStart(9)}/s`,
    `lag ${(line.lagMs > 0 ? line.lagMs.toFixed(0) : '-').padStart(4)} ms`,
    line.state,
  ].join('  ');
}
