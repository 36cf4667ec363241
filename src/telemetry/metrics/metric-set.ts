import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Log } from '../../log.ts';
import { LabelCounts } from './label-counts.ts';

/** A number of a metric, and the values of its labels in their order. */
export type Sample = readonly [value: number, ...labels: readonly string[]];

/** Gives the numbers of a metric when it is scraped. */
export type ReadSamples = () => Iterable<Sample> | Promise<Iterable<Sample>>;

/** Takes a value into a histogram. */
export type Observe = (value: number, ...labels: readonly string[]) => void;

/** What a metric is, as its table in docs/TELEMETRY.md tells it. */
export interface MetricFacts {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  readonly help: string;
}

/** What can be filled anew at each scrape. */
interface Fillable {
  reset(): void;
  remove(): void;
}

/**
 * The metrics of a node. Between two scrapes nothing is spent on them but the adding of numbers. One that cannot be read
 * is left out of the scrape, which tells it by `wafersync_metrics_not_read_total`.
 */
export class MetricSet {
  readonly #log: Log;
  readonly #registry = new Registry();
  readonly #facts: MetricFacts[] = [];
  /** Forget what was read for the scrape before. */
  readonly #forget: (() => void)[] = [];
  /** Metrics that could not be read when they were read last. */
  readonly #failing = new Set<string>();
  readonly #notRead: LabelCounts;
  #scrape: Promise<string> | null = null;

  constructor(log: Log) {
    this.#log = log;
    this.#notRead = this.counter(
      'wafersync_metrics_not_read_total',
      'Metrics that a scrape had to leave out because they could not be read.',
      ['metric'],
    );
  }

  /** A number that is read at each scrape. */
  gauge(name: string, help: string, read: () => number | Promise<number>): void {
    this.gauges(name, help, [], async () => [[await read()]]);
  }

  /** Numbers that are read at each scrape, by labels. */
  gauges(name: string, help: string, labelNames: readonly string[], read: ReadSamples): void {
    const gauge: Gauge = new Gauge({
      ...this.#common(name, help, labelNames, 'gauge'),
      collect: () => this.#fill(name, gauge, labelNames, read, (labels, value) => gauge.set(labels, value)),
    });
  }

  /** A number that only grows, and is read at each scrape. */
  total(name: string, help: string, read: () => number): void {
    this.totals(name, help, [], () => [[read()]]);
  }

  /** Numbers that only grow, and are read at each scrape, by labels. */
  totals(name: string, help: string, labelNames: readonly string[], read: ReadSamples): void {
    const counter: Counter = new Counter({
      ...this.#common(name, help, labelNames, 'counter'),
      collect: () =>
        this.#fill(name, counter, labelNames, read, (labels, value) => counter.inc(labels, value)),
    });
  }

  /**
   * Counts by labels, of what is told to it.
   * @param known labels that are told from the start, as 0
   */
  counter(
    name: string,
    help: string,
    labelNames: readonly string[],
    known: readonly (readonly string[])[] = labelNames.length === 0 ? [[]] : [],
  ): LabelCounts {
    const counts = new LabelCounts();
    for (const labels of known) counts.add(0, ...labels);
    this.totals(name, help, labelNames, () => counts.samples());
    return counts;
  }

  /** How often which values came, of what is told to it. */
  histogram(
    name: string,
    help: string,
    buckets: readonly number[],
    labelNames: readonly string[] = [],
  ): Observe {
    const histogram = new Histogram({
      ...this.#common(name, help, labelNames, 'histogram'),
      buckets: [...buckets],
    });
    return (value, ...labels) => histogram.observe(named(labelNames, labels), value);
  }

  /** The same reading for all metrics of one scrape. */
  shared<T>(read: () => T): () => T {
    let kept: { readonly value: T } | null = null;
    this.#forget.push(() => {
      kept = null;
    });
    return () => {
      kept ??= { value: read() };
      return kept.value;
    };
  }

  /** Every metric, by name. */
  get facts(): readonly MetricFacts[] {
    return [...this.#facts].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Media type of {@link text}. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** All of them in the text format of Prometheus. Whoever asks while they are read gets the same. */
  text(): Promise<string> {
    this.#scrape ??= this.#read().finally(() => {
      this.#scrape = null;
    });
    return this.#scrape;
  }

  async #read(): Promise<string> {
    for (const forget of this.#forget) forget();
    return this.#registry.metrics();
  }

  #common(name: string, help: string, labels: readonly string[], type: MetricFacts['type']) {
    this.#facts.push({ name, type, labels, help });
    return { name, help, labelNames: [...labels], registers: [this.#registry] };
  }

  async #fill(
    name: string,
    metric: Fillable,
    labelNames: readonly string[],
    read: ReadSamples,
    put: (labels: Record<string, string>, value: number) => void,
  ): Promise<void> {
    metric.reset();
    // Else one without labels would be told as 0.
    if (labelNames.length === 0) metric.remove();
    try {
      for (const [value, ...labels] of await read()) put(named(labelNames, labels), value);
      this.#failing.delete(name);
    } catch (thrown) {
      this.#notRead.add(1, name);
      if (!this.#failing.has(name)) this.#log.warn('metric.not_read', { metric: name }, thrown);
      this.#failing.add(name);
    }
  }
}

function named(names: readonly string[], values: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name, i) => [name, values[i] ?? '']));
}
