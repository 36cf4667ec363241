import { counted, printable } from '../output.ts';
import { type DieMark, drawn, markOf } from './die-mark.ts';
import type { DieJson, MapJson } from './wafer-json.ts';

/** What a map has to fit into. */
export interface MapSpace {
  /** Characters of a line. */
  readonly columns: number;
  readonly colours: boolean;
}

/** Most lines that dies take. */
const MAX_LINES = 200;
/** Disputed dies that are told one by one. */
const MAX_DISPUTED = 20;
/** Columns between two numbers of the axis. */
const AXIS_STEP = 10;

/** Where dies are drawn: `step` × `step` of them in one character. */
interface Grid {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly step: number;
  readonly lines: readonly (DieMark | null)[][];
}

/** The map of a wafer, one character a die, with its axes and a legend. A map that does not fit is drawn smaller, and says so. */
export function mapLines(map: MapJson, space: MapSpace): string[] {
  const { dies, orientation } = map;
  if (dies.length === 0) return ['map: no die has coordinates'];
  const grid = gridOf(dies, space.columns);
  const labels = grid.lines.map((_, i) => String(grid.top + i * grid.step));
  const gutter = Math.max(...labels.map(({ length }) => length));
  const notch = orientation ? printable(`; the notch points ${orientation}`) : '';
  const lines = [`map (${map.view}): x to the right, y downwards${notch}`];
  if (grid.step > 1) lines.push(...tooWide(grid.step));
  const axis = axisLines(grid).map((line) => `${' '.repeat(gutter + 1)}${line}`);
  const rows = grid.lines.map((marks, i) => `${labels[i]!.padStart(gutter)} ${drawn(marks, space.colours)}`);
  lines.push(...axis, ...rows, '', ...wrapped(legend(grid), space.columns), ...disputes(dies, space.columns));
  return lines.map((line) => line.trimEnd());
}

function tooWide(step: number): string[] {
  return [
    `It is too large for the terminal: each character stands for ${step} x ${step} dies, and shows what matters most among them.`,
  ];
}

function gridOf(dies: readonly DieJson[], columns: number): Grid {
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const { x, y } of dies) {
    [left, right] = [Math.min(left, x), Math.max(right, x)];
    [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
  }
  const gutter = Math.max(String(top).length, String(bottom).length) + 1;
  const room = Math.max(AXIS_STEP, columns - gutter);
  const step = Math.max(1, Math.ceil((right - left + 1) / room), Math.ceil((bottom - top + 1) / MAX_LINES));
  const width = Math.floor((right - left) / step) + 1;
  const height = Math.floor((bottom - top) / step) + 1;
  const lines = Array.from({ length: height }, () => new Array<DieMark | null>(width).fill(null));
  for (const die of dies) {
    const line = lines[Math.floor((die.y - top) / step)]!;
    const column = Math.floor((die.x - left) / step);
    const mark = markOf(die);
    if (mark.rank > (line[column]?.rank ?? 0)) line[column] = mark;
  }
  return { left, top, width, step, lines };
}

/** The numbers of the columns, and below each a stroke at its column. */
function axisLines({ left, width, step }: Grid): string[] {
  let [numbers, strokes] = ['', ''];
  for (let column = 0; column < width; column++) {
    const x = left + column * step;
    const named = step === 1 ? x % AXIS_STEP === 0 : column % AXIS_STEP === 0;
    // A number needs a blank before it.
    if (column > 0 && (!named || numbers.length >= column)) continue;
    numbers = `${numbers.padEnd(column)}${x}`;
    strokes = `${strokes.padEnd(column)}|`;
  }
  return [numbers, strokes];
}

function legend({ lines }: Grid): string[] {
  const marks = new Map(lines.flat().flatMap((mark) => (mark ? [[`${mark.char} ${mark.says}`, mark]] : [])));
  return [...marks.entries()]
    .sort(([a, { rank }], [b, { rank: other }]) => rank - other || (a < b ? -1 : 1))
    .map(([text]) => text);
}

/** The mark of a die in dispute hides what was measured: that is told here. */
function disputes(dies: readonly DieJson[], columns: number): string[] {
  const disputed = dies.filter((die) => die.disputed);
  if (disputed.length === 0) return [];
  const told = disputed.slice(0, MAX_DISPUTED).map((die) => {
    const { says } = markOf({ ...die, disputed: false });
    const bin = die.rebin !== null && !die.inked ? `, bin ${die.rebin}` : '';
    return `${die.x},${die.y}: ${says}${bin}`;
  });
  const more = disputed.length - told.length;
  return [
    '',
    `${counted(disputed.length, 'die is', 'dies are')} in dispute; without the dispute:`,
    ...wrapped(told, columns),
    ...(more > 0 ? [`and ${counted(more, 'other')}`] : []),
  ];
}

/** Texts beside each other, as many on a line as it holds. */
function wrapped(texts: readonly string[], columns: number): string[] {
  const lines: string[] = [];
  for (const text of texts) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 3 + text.length <= columns)
      lines[lines.length - 1] = `${last}   ${text}`;
    else lines.push(text);
  }
  return lines;
}
