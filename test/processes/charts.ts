/** Values over time, one line each. */
export interface Chart {
  readonly title: string;
  readonly unit: string;
  readonly lines: Readonly<Record<string, readonly (number | null)[]>>;
}

/** A stretch of samples that is shaded. */
export interface Band {
  readonly label: string;
  readonly from: number;
  readonly to: number;
}

const BLOCKS = '▁▂▃▄▅▆▇█';
const COLOURS = ['#1f77b4', '#d62728', '#2ca02c', '#9467bd', '#ff7f0e'];
const WIDTH = 1_000;
const HEIGHT = 130;
const LEFT = 60;
const TOP = 24;

/** A line of text that shows how values went: the largest of each stretch, by eighths of `most`. A gap is a space. */
export function sparkline(values: readonly (number | null)[], columns: number, most: number): string {
  const width = Math.min(columns, values.length);
  return Array.from({ length: width }, (_, column) => {
    const from = Math.floor((column * values.length) / width);
    const to = Math.floor(((column + 1) * values.length) / width);
    const known = values.slice(from, to).filter((value) => value !== null);
    if (known.length === 0) return ' ';
    const share = most === 0 ? 0 : Math.max(...known) / most;
    return BLOCKS[Math.min(7, Math.floor(share * 8))];
  }).join('');
}

/** A chart as lines of text, one a line of it, each with its largest value. */
export function textChart({ title, unit, lines }: Chart, columns = 60): string {
  const most = largest(Object.values(lines).flat());
  const rows = Object.entries(lines).map(
    ([name, values]) =>
      `  ${name}  ${sparkline(values, columns, most)}  up to ${short(largest(values))} ${unit}`,
  );
  return [title, ...rows].join('\n');
}

/** Charts below each other as one SVG, with bands behind them. */
export function svgCharts(charts: readonly Chart[], bands: readonly Band[], length: number): string {
  const x = (at: number) => LEFT + (at / Math.max(1, length - 1)) * (WIDTH - LEFT - 10);
  const panels = charts.map((chart, i) => {
    const shaded = bands.map(
      ({ from, to, label }) =>
        `<rect x="${x(from).toFixed(1)}" y="${TOP}" width="${Math.max(1, x(to) - x(from)).toFixed(1)}" height="${HEIGHT - TOP - 10}" fill="#000" opacity="0.08"><title>${escaped(label)}</title></rect>`,
    );
    return `<g transform="translate(0 ${i * (HEIGHT + 20)})">${shaded.join('')}${panel(chart, x)}</g>`;
  });
  const height = charts.length * (HEIGHT + 20);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="11"><rect width="${WIDTH}" height="${height}" fill="#fff"/>\n${panels.join('\n')}\n</svg>\n`;
}

function panel({ title, unit, lines }: Chart, x: (at: number) => number): string {
  const most = largest(Object.values(lines).flat()) || 1;
  const bottom = HEIGHT - 10;
  const y = (value: number) => bottom - (value / most) * (bottom - TOP);
  const drawn = Object.entries(lines).map(([name, values], i) => {
    const colour = COLOURS[i % COLOURS.length];
    const label = `<text x="${LEFT + 260 + i * 50}" y="14" fill="${colour}">${escaped(name)}</text>`;
    return `${label}<path d="${pathOf(values, x, y)}" fill="none" stroke="${colour}" stroke-width="1"/>`;
  });
  const axis = `<text x="${LEFT - 6}" y="${TOP + 8}" text-anchor="end">${short(most)}</text><text x="${LEFT - 6}" y="${bottom}" text-anchor="end">0</text><path d="M${LEFT} ${TOP}V${bottom}H${WIDTH - 10}" fill="none" stroke="#999"/>`;
  return `<text x="${LEFT}" y="14" font-weight="bold">${escaped(`${title}, ${unit}`)}</text>${axis}${drawn.join('')}`;
}

/** Values as a path that is broken where there are none. */
function pathOf(
  values: readonly (number | null)[],
  x: (at: number) => number,
  y: (value: number) => number,
): string {
  let path = '';
  let pen = 'M';
  for (const [at, value] of values.entries()) {
    if (value === null) {
      pen = 'M';
      continue;
    }
    path += `${pen}${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
    pen = 'L';
  }
  return path;
}

function largest(values: readonly (number | null)[]): number {
  return values.reduce<number>((most, value) => Math.max(most, value ?? 0), 0);
}

function short(value: number): string {
  return value.toLocaleString('en-US', { maximumSignificantDigits: 3 });
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
