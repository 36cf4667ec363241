import { styleText } from 'node:util';
import type { DieJson } from './wafer-json.ts';

/** How a die is drawn. */
export interface DieMark {
  /** One character. */
  readonly char: string;
  /** What the character says. */
  readonly says: string;
  /** Of several dies in one place, that with the greatest rank is drawn. */
  readonly rank: number;
  readonly style: Style;
}

type Style = Parameters<typeof styleText>[0];

const DISPUTED: DieMark = mark('!', 'in dispute', 8, ['bold', 'black', 'bgYellow']);
const INKED: DieMark = mark('#', 'inked off by a person', 7, 'magenta');
const REBINNED: DieMark = mark('*', 'binned by a person', 6, 'cyan');
const FAILED_BY_PERSON: DieMark = mark('-', 'fails: a person says so', 5, 'red');
const PASSED_BY_PERSON: DieMark = mark('+', 'passes: a person says so', 2, 'green');
const PASSED: DieMark = mark('.', 'passes', 1, 'green');
const UNKNOWN: DieMark = mark('?', 'says neither pass nor fail', 3, 'yellow');

/** How a die is drawn: what is in dispute stands above what people say, and that above what was measured. */
export function markOf({ disputed, inked, rebin, verdict, passed, hard_bin }: DieJson): DieMark {
  if (disputed) return DISPUTED;
  if (inked) return INKED;
  if (rebin !== null) return REBINNED;
  if (verdict !== null) return verdict ? PASSED_BY_PERSON : FAILED_BY_PERSON;
  if (passed === null) return UNKNOWN;
  return passed ? PASSED : failed(hard_bin);
}

/** A failing die is drawn as its bin: 0 to 9, A to Z for 10 to 35, the last digit of a greater one. */
function failed(bin: number | null): DieMark {
  if (bin === null) return mark('x', 'fails, no hard bin', 4, 'red');
  const char = bin < 36 ? bin.toString(36).toUpperCase() : String(bin % 10);
  return mark(char, `fails, hard bin ${bin}`, 4, 'red');
}

function mark(char: string, says: string, rank: number, style: Style): DieMark {
  return { char, says, rank, style };
}

/** Draws marks beside each other; null is no die. */
export function drawn(marks: readonly (DieMark | null)[], colours: boolean): string {
  const text = marks.map((one) => {
    if (!one) return ' ';
    return colours ? styleText(one.style, one.char, { validateStream: false }) : one.char;
  });
  return text.join('').trimEnd();
}
