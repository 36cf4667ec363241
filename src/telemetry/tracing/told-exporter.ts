import type { SpanExporter } from '@opentelemetry/sdk-trace';
import type { Log } from '../../log.ts';
import type { World } from '../../world.ts';

/** Least time between two lines that say that spans are lost, milliseconds. */
const TOLD_EVERY_MS = 600_000;

type Spans = Parameters<SpanExporter['export']>[0];
type Done = Parameters<SpanExporter['export']>[1];

/**
 * An exporter that says when its collector does not take spans, or not as fast as they come: once, and now and then while it
 * lasts.
 */
export class ToldExporter implements SpanExporter {
  readonly #exporter: SpanExporter;
  readonly #log: Log;
  readonly #world: Pick<World, 'steadyMs'>;
  /** Spans lost since it fails. */
  #lost = 0;
  /** World.steadyMs() when it was told last; null while it works. */
  #toldMs: number | null = null;
  /** Spans that found no room to wait, since that was told last. */
  #dropped = 0;
  /** World.steadyMs() when that was told last. */
  #toldDroppedMs: number | null = null;
  /** Spans that wait for their turn to be sent. */
  #waiting = 0;

  constructor(exporter: SpanExporter, log: Log, world: Pick<World, 'steadyMs'>) {
    this.#exporter = exporter;
    this.#log = log;
    this.#world = world;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting;
  }

  /** A span is over, and waits. */
  waits(): void {
    this.#waiting += 1;
  }

  /** A span found no room to wait. */
  drops(): void {
    this.#dropped += 1;
    this.#tellDropped();
  }

  export(spans: Spans, done: Done): void {
    this.#waiting -= spans.length;
    this.#tellDropped();
    this.#exporter.export(spans, (result) => {
      if (result.error || result.code !== 0) this.#failed(spans.length, result.error);
      else this.#succeeded();
      done(result);
    });
  }

  shutdown(): Promise<void> {
    this.#toldDroppedMs = null;
    this.#tellDropped();
    return this.#exporter.shutdown();
  }

  /** The first at once; those that follow are counted, and told once it is time. */
  #tellDropped(): void {
    if (this.#dropped === 0) return;
    const nowMs = this.#world.steadyMs();
    if (this.#toldDroppedMs !== null && nowMs - this.#toldDroppedMs < TOLD_EVERY_MS) return;
    this.#toldDroppedMs = nowMs;
    this.#log.warn('tracing.dropped', { lost: this.#dropped, waiting: this.#waiting });
    this.#dropped = 0;
  }

  #failed(spans: number, error: Error | undefined): void {
    this.#lost += spans;
    const nowMs = this.#world.steadyMs();
    if (this.#toldMs !== null && nowMs - this.#toldMs < TOLD_EVERY_MS) return;
    this.#toldMs = nowMs;
    this.#log.warn('tracing.failed', {
      lost: this.#lost,
      reason: error?.message ?? 'the collector refused them',
    });
  }

  #succeeded(): void {
    if (this.#toldMs !== null) this.#log.info('tracing.recovered', { lost: this.#lost });
    this.#toldMs = null;
    this.#lost = 0;
  }
}
