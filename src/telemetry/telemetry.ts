import type { EndedCall } from '../api/call-observer.ts';
import type { ImportedFile } from '../ingest/stdf/import.ts';
import type { Log } from '../log.ts';
import type { Intake } from '../wafer/intake.ts';
import type { World } from '../world.ts';
import type { MetricsServer } from './metrics/metrics-server.ts';
import type { NodeMetrics, NodeMetricsParts } from './metrics/node-metrics.ts';
import { type IntakeObserver, type IntakeSource, observedIntake } from './observed-intake.ts';
import type { Tracing } from './tracing/tracing.ts';
import type { TracedReplica } from './tracing/update-tracer.ts';

/** What is measured, and what with. */
export interface TelemetryOptions extends NodeMetricsParts {
  readonly replica: NodeMetricsParts['replica'] & TracedReplica;
  readonly world: World;
  readonly log: Log;
  /** Where metrics are served; port 0 for nowhere. */
  readonly metrics: { readonly host: string; readonly port: number };
  /** Where spans are sent; empty for nowhere. */
  readonly tracing: { readonly endpoint: string; readonly ratio: number };
}

/**
 * What a node tells of itself in numbers and traces. What is not asked for costs nothing: its packages are not even
 * loaded, and nobody listens.
 */
export class Telemetry {
  readonly #options: TelemetryOptions;
  readonly #metrics: NodeMetrics | null;
  readonly #tracing: Tracing | null;
  #server: MetricsServer | null = null;

  private constructor(options: TelemetryOptions, metrics: NodeMetrics | null, tracing: Tracing | null) {
    this.#options = options;
    this.#metrics = metrics;
    this.#tracing = tracing;
  }

  /** Begins to measure and to trace, as far as that is asked for. */
  static async open(options: TelemetryOptions): Promise<Telemetry> {
    const { metrics, tracing, replica, store } = options;
    const measured =
      metrics.port === 0 ? null : (await import('./metrics/node-metrics.ts')).nodeMetrics(options);
    const traced =
      tracing.endpoint === ''
        ? null
        : (await import('./tracing/tracing.ts')).startTracing(replica, {
            ...options,
            ...tracing,
            fab: store.origin.fab,
            failed: () => measured?.failed('traces'),
          });
    return new Telemetry(options, measured, traced);
  }

  /** Whether batches are to say how they came. */
  get traced(): boolean {
    return this.#tracing !== null;
  }

  /** An intake whose batches are measured and traced. */
  intake(intake: Intake, source: IntakeSource): Intake {
    const observers: IntakeObserver[] = [];
    if (this.#metrics) observers.push(this.#metrics.intake);
    if (this.#tracing) observers.push(this.#tracing.observer);
    return observers.length === 0 ? intake : observedIntake(intake, source, observers, this.#options.world);
  }

  /** Results of a stream came again and were found equal. */
  readonly resent = (results: number): void => this.#metrics?.intake.resent(results);

  /** A gRPC call is over. */
  readonly ended = (call: EndedCall): void => this.#metrics?.ended(call);

  /** A file is taken: what becomes of it is counted. */
  async file(taken: Promise<ImportedFile>): Promise<ImportedFile> {
    try {
      const imported = await taken;
      this.#metrics?.intake.file(imported);
      return imported;
    } catch (thrown) {
      this.#metrics?.intake.file(null);
      throw thrown;
    }
  }

  /** Serves the metrics. @throws WafersyncError where the port cannot be had */
  async start(): Promise<void> {
    if (!this.#metrics) return;
    const { metrics, log } = this.#options;
    const { serveMetrics } = await import('./metrics/metrics-server.ts');
    this.#server = await serveMetrics(this.#metrics.set, metrics, log);
    log.info('metrics.served', { host: metrics.host, port: this.#server.port });
  }

  /** Ends it. Before the store is closed. */
  async stop(): Promise<void> {
    await this.#server?.close();
    this.#metrics?.stop();
    await this.#tracing?.stop();
  }
}
