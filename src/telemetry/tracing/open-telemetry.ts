import {
  type Context,
  type Link,
  ROOT_CONTEXT,
  SpanKind,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  type IdGenerator,
  RandomIdGenerator,
  SamplingDecision,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Log } from '../../log.ts';
import type { SpanRef } from '../../wafer/intake.ts';
import type { World } from '../../world.ts';
import { ToldExporter } from './told-exporter.ts';
import type { SpanSink, UpdateSpan } from './update-tracer.ts';

/** Spans that wait to be sent; further ones are dropped. */
const MAX_WAITING_SPANS = 4_096;
/** Spans of one request. */
const MAX_SENT_SPANS = 512;
/** How long spans wait for others to be sent with, milliseconds. */
const SEND_EVERY_MS = 1_000;
/** How long sending may take, tries included, before its spans are given up, milliseconds. */
const SEND_MS = 5_000;
/** How long the last spans may take to leave when the node stops, milliseconds. */
const LAST_SPANS_MS = 1_000;

/** Who sends spans, where, and which. */
export interface OpenTelemetryOptions {
  readonly endpoint: string;
  readonly ratio: number;
  readonly fab: string;
  readonly version: string;
  readonly world: World;
  readonly log: Log;
}

/** Spans by OpenTelemetry, sent as OTLP over HTTP. Nothing waits for the collector. */
export class OpenTelemetry implements SpanSink {
  readonly #world: World;
  readonly #ids = new GivenIds();
  readonly #sampler: TraceIdRatioBasedSampler;
  readonly #exporter: ToldExporter;
  readonly #provider: TracerProvider;
  readonly #tracer: Tracer;

  constructor({ endpoint, ratio, fab, version, world, log }: OpenTelemetryOptions) {
    this.#world = world;
    this.#sampler = new TraceIdRatioBasedSampler(ratio);
    const otlp = new OTLPTraceExporter({
      url: endpoint,
      timeoutMillis: SEND_MS,
      // All that waits is sent at once in the end, beside what is under way.
      concurrencyLimit: Math.ceil(MAX_WAITING_SPANS / MAX_SENT_SPANS) + 1,
    });
    this.#exporter = new ToldExporter(otlp, log, world);
    this.#provider = new TracerProvider({
      resource: resourceFromAttributes({
        'service.name': 'wafersync',
        'service.version': version,
        'service.instance.id': fab,
        'wafersync.fab': fab,
      }),
      sampler: this.#sampler,
      idGenerator: this.#ids,
      spanProcessors: [
        new BatchSpanProcessor({
          exporter: this.#exporter,
          maxQueueSize: MAX_WAITING_SPANS,
          maxExportBatchSize: MAX_SENT_SPANS,
          scheduledDelayMillis: SEND_EVERY_MS,
          exportTimeoutMillis: SEND_MS,
        }),
      ],
    });
    this.#tracer = this.#provider.getTracer('wafersync', version);
  }

  isSampled(traceId: string): boolean {
    return this.#sampler.shouldSample(ROOT_CONTEXT, traceId).decision !== SamplingDecision.NOT_RECORD;
  }

  add({ traceId, id, parentId, name, beganMs, endedMs, facts, links = [] }: UpdateSpan): string {
    this.#ids.next(traceId, id);
    // The processor would drop it without a word.
    if (this.#exporter.waiting >= MAX_WAITING_SPANS) {
      this.#exporter.drops();
      return this.#ids.generateSpanId();
    }
    const kind = parentId === null ? SpanKind.PRODUCER : SpanKind.INTERNAL;
    const options = { kind, startTime: beganMs, attributes: facts, links: links.map(linkTo) };
    const span = this.#tracer.startSpan(name, options, contextOf(traceId, parentId));
    span.end(endedMs);
    this.#exporter.waits();
    return span.spanContext().spanId;
  }

  /** Sends what waits, as far as the collector takes it soon. */
  async close(): Promise<void> {
    let stopWaiting = () => {};
    const late = new Promise<void>((resolve) => {
      stopWaiting = this.#world.after('shutdown', LAST_SPANS_MS, resolve);
    });
    // What is lost then was told by the exporter.
    const closed = this.#provider.shutdown().catch(() => {});
    await Promise.race([closed, late]);
    stopWaiting();
  }
}

function linkTo({ traceId, spanId, sampled }: SpanRef): Link {
  const traceFlags = sampled ? TraceFlags.SAMPLED : TraceFlags.NONE;
  return { context: { traceId, spanId, traceFlags, isRemote: true } };
}

function contextOf(traceId: string, parentId: string | null): Context {
  if (parentId === null) return ROOT_CONTEXT;
  const parent = { traceId, spanId: parentId, traceFlags: TraceFlags.SAMPLED, isRemote: true };
  return trace.setSpanContext(ROOT_CONTEXT, parent);
}

/** Ids that are given just before they are asked for, else random ones. */
class GivenIds implements IdGenerator {
  readonly #random = new RandomIdGenerator();
  #traceId = '';
  #spanId: string | undefined;

  next(traceId: string, spanId: string | undefined): void {
    this.#traceId = traceId;
    this.#spanId = spanId;
  }

  generateTraceId(): string {
    return this.#traceId;
  }

  generateSpanId(): string {
    return this.#spanId ?? this.#random.generateSpanId();
  }
}
