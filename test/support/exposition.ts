/** Numbers of a scrape: value by name and labels, as `name{label="value"}`. */
export class Exposition {
  readonly text: string;
  readonly #values = new Map<string, number>();

  constructor(text: string) {
    this.text = text;
    for (const line of text.split('\n')) {
      const [, series, value] = /^([a-z_]+(?:\{.*\})?) (\S+)$/.exec(line) ?? [];
      if (series) this.#values.set(series, Number(value));
    }
  }

  /** Value of a series; undefined where it is not there. */
  value(series: string): number | undefined {
    return this.#values.get(series);
  }

  /** Names of the metrics that say what they are. */
  get names(): string[] {
    return [...this.text.matchAll(/^# TYPE (\w+) /gm)].map(([, name]) => name!);
  }
}

/** Scrapes until something holds. */
export async function scrapeUntil(port: number, holds: (now: Exposition) => boolean): Promise<Exposition> {
  for (;;) {
    const now = await scrape(port);
    if (holds(now)) return now;
  }
}

/** Scrapes the metrics that a node serves at a port. */
export async function scrape(port: number): Promise<Exposition> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${response.status}: ${text}`);
  return new Exposition(text);
}
