import { WafersyncError } from '../../errors.ts';
import type { TesterResult, TesterTest } from '../../tester/index.ts';

/** A line of JSON Lines: a result, and whose stream it says it is of. */
export interface JsonResult {
  /** Tester; empty where the line does not say. */
  readonly equipmentId: string;
  /** Stream; empty where the line does not say. */
  readonly streamId: string;
  /** Whether the line marks the verdicts of its stream final. */
  readonly final: boolean;
  readonly result: TesterResult;
}

/** Fields of the contract's TestResult that a sender has no use for: positions are counted, the rest is the node's to say. */
const UNUSED: ReadonlySet<string> = new Set(['stream_sequence', 'fab_id', 'run_id', 'attempt_index']);

const TEXTS = [
  'equipment_id',
  'stream_id',
  'wafer_id',
  'lot',
  'insertion',
  'part_id',
  'test_name',
  'units',
] as const;
const NUMBERS = [
  ...['die_x', 'die_y', 'test_value', 'test_number', 'low_limit', 'high_limit', 'timestamp_us'],
  ...['head', 'site', 'hard_bin', 'soft_bin', 'test_flags'],
] as const;
const TRUTHS = ['pass_fail', 'last_of_die', 'no_coordinates', 'no_value', 'final_run'] as const;

type Text = (typeof TEXTS)[number];
type Truth = (typeof TRUTHS)[number];

/** Fields of one line, by the names of the contract. */
class Fields {
  readonly #values = new Map<string, unknown>();
  readonly #where: string;

  constructor(values: Readonly<Record<string, unknown>>, where: string) {
    this.#where = where;
    for (const [key, value] of Object.entries(values)) {
      // Protobuf's own JSON writes fieldName for field_name, and null for what is absent.
      const name = key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      if (value === null || UNUSED.has(name)) continue;
      if (!KNOWN.has(name)) {
        throw this.#refusal(
          `${key} is no field of a result`,
          `Use ${[...TEXTS, ...NUMBERS, ...TRUTHS].join(', ')}.`,
        );
      }
      this.#values.set(name, value);
    }
  }

  text(name: Text): string {
    const value = this.#values.get(name) ?? '';
    if (typeof value === 'string') return value;
    throw this.#refusal(`${name} ${JSON.stringify(value)} is no text`, `Write ${name} in quotes.`);
  }

  truth(name: Truth): boolean {
    const value = this.#values.get(name) ?? false;
    if (typeof value === 'boolean') return value;
    throw this.#refusal(`${name} ${JSON.stringify(value)} is neither true nor false`, `Write true or false.`);
  }

  /** Null where it is absent. 64-bit numbers and what JSON has no number for may be texts, as protobuf writes them. */
  number(name: string): number | null {
    const value = this.#values.get(name);
    if (value === undefined) return null;
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    if (typeof number === 'number' && (!Number.isNaN(number) || value === 'NaN')) return number;
    throw this.#refusal(
      `${name} ${JSON.stringify(value)} is no number`,
      'Write a number, or "NaN", "Infinity" or "-Infinity".',
    );
  }

  #refusal(what: string, hint: string): WafersyncError {
    return new WafersyncError('invalid', `${what} in ${this.#where}`, { hint });
  }
}

const KNOWN: ReadonlySet<string> = new Set([...TEXTS, ...NUMBERS, ...TRUTHS]);

/**
 * Reads a line of JSON Lines.
 * @param where says which line it is, for messages
 * @throws WafersyncError `invalid` naming field, value and line
 */
export function parseResult(line: string, where: string): JsonResult {
  const fields = new Fields(parseObject(line, where), where);
  const located = !fields.truth('no_coordinates');
  const value = fields.number('test_value');
  return {
    equipmentId: fields.text('equipment_id'),
    streamId: fields.text('stream_id'),
    final: fields.truth('final_run'),
    result: {
      ...{ waferId: fields.text('wafer_id'), lot: fields.text('lot'), insertion: fields.text('insertion') },
      x: located ? (fields.number('die_x') ?? 0) : null,
      y: located ? (fields.number('die_y') ?? 0) : null,
      ...{
        partId: fields.text('part_id'),
        head: fields.number('head') ?? 0,
        site: fields.number('site') ?? 0,
      },
      ...{ hardBin: fields.number('hard_bin'), softBin: fields.number('soft_bin') },
      test: testOf(fields),
      value: fields.truth('no_value') ? null : (value ?? 0),
      passed: fields.truth('pass_fail'),
      testFlags: fields.number('test_flags'),
      timestampUs: fields.number('timestamp_us') ?? 0,
      lastOfDie: fields.truth('last_of_die'),
    },
  };
}

function testOf(fields: Fields): TesterTest {
  return {
    name: fields.text('test_name'),
    number: fields.number('test_number') ?? 0,
    units: fields.text('units'),
    lowLimit: fields.number('low_limit'),
    highLimit: fields.number('high_limit'),
  };
}

function parseObject(line: string, where: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new WafersyncError('invalid', `${where} is no JSON: ${(error as Error).message}`, {
      hint: 'Write one result a line, as a JSON object.',
      cause: error,
    });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new WafersyncError('invalid', `${where} is no JSON object`, {
    hint: 'Write one result a line, as a JSON object.',
  });
}
