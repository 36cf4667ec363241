import { WafersyncError } from '../../errors.ts';
import { YIELD_VIEWS } from '../views.ts';
import { type FieldPath, segmentsOf } from './field.ts';
import { ATTEMPTS } from './guards.ts';
import { isObject, type Json } from './json.ts';
import { isPolicyName, POLICIES } from './policies/index.ts';
import { matches } from './rules.ts';
import type { DocumentKind } from './shown.ts';

/** What may stand in a field: a test of the value, and its words. */
type Check = readonly [pattern: string, says: string, holds: (value: Json) => boolean];

const DISPOSITIONS = ['none', 'hold', 'release', 'scrap', 'ship'];

/** Most gross dies of a wafer. */
const MAX_GROSS_DIES = 1_000_000;
const SAYS_GROSS_DIES = 'is a whole number of dies, 1 to 1000000';

/** Fields of a wafer that have a meaning of their own; every other is free. */
const WAFER_CHECKS: readonly Check[] = [
  ['/disposition', `is one of ${DISPOSITIONS.join(', ')}`, (value) => DISPOSITIONS.includes(value as string)],
  ['/retired', 'is true', (value) => value === true],
  ['/product', 'is a text', isText],
  ['/home_fab', 'is the id of a fab', isText],
  ['/gross_dies', SAYS_GROSS_DIES, isGrossDies],
  ['/limits_revision', 'is a text', isText],
  [
    '/orientation',
    'is one of up, right, down, left: where the notch points',
    (value) => ['up', 'right', 'down', 'left'].includes(value as string),
  ],
  ['/corrected/lot', 'is a text', isText],
  ['/corrected/wafer_id', 'is a text', isText],
  ['/corrected/insertion', 'is a text', isText],
  [
    '/rebins/*',
    'is a bin, 0 to 65535',
    (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 65_535,
  ],
  ['/verdicts/*', 'is pass or fail', (value) => value === 'pass' || value === 'fail'],
  ['/final_runs/*', 'is true; a run that is not final is not named', (value) => value === true],
];

/** Branches that hold a member for each die, named X,Y. */
const BY_DIE = ['/rebins', '/ink_offs', '/verdicts'];

/** Fields of the mesh document. */
const MESH_CHECKS: readonly Check[] = [
  [
    '/policies/*/*',
    `is one of ${Object.keys(POLICIES).join(', ')}`,
    (value) => typeof value === 'string' && isPolicyName(value),
  ],
  ['/views/*', `is one of ${YIELD_VIEWS.join(', ')}`, (value) => YIELD_VIEWS.some((view) => view === value)],
  ['/gross_dies/*', SAYS_GROSS_DIES, isGrossDies],
];

/**
 * Checks a value that is to be written.
 * @param value canonical JSON text; null, a removal, may always be written
 * @param document the document with the value in it
 * @throws WafersyncError `invalid`
 */
export function checkValue(kind: DocumentKind, field: FieldPath, value: string | null, document: Json): void {
  if (value === null) return;
  const segments = segmentsOf(field);
  const checks = kind === 'mesh' ? MESH_CHECKS : WAFER_CHECKS;
  const own = checks.find(([pattern]) => matches(pattern, segments));
  if (own && !own[2](JSON.parse(value) as Json)) {
    throw new WafersyncError('invalid', `${field} cannot be ${value.slice(0, 80)}`, {
      hint: `It ${own[1]}.`,
    });
  }
  if (kind === 'mesh') checkMesh(field, segments, own !== undefined);
  else checkWafer(field, segments, document);
}

function checkMesh(field: FieldPath, [branch, , pattern]: readonly string[], known: boolean): void {
  if (branch === 'policies' && pattern !== undefined) segmentsOf(pattern);
  if (known || (branch === 'policies' && pattern === undefined)) return;
  throw new WafersyncError('invalid', `${field} has no meaning in the mesh document`, {
    hint: 'Rules stand under /policies/PRODUCT/PATTERN, with ~1 for each / of the pattern, views under /views/PRODUCT, gross dies under /gross_dies/PRODUCT; PRODUCT * is any.',
  });
}

function checkWafer(field: FieldPath, segments: readonly string[], document: Json): void {
  const [branch, die] = segments;
  if (`/${branch}` === ATTEMPTS) {
    throw new WafersyncError(
      'invalid',
      `${field} cannot be written: ${ATTEMPTS} stands for what was measured`,
      {
        hint: 'Choose another name, such as one under /attributes.',
      },
    );
  }
  if (BY_DIE.includes(`/${branch}`) && die !== undefined && !/^(0|-?[1-9]\d*),(0|-?[1-9]\d*)$/.test(die)) {
    throw new WafersyncError('invalid', `${field} names no die`, {
      hint: 'Name dies by column and row, as in 5,-33.',
    });
  }
  if (branch === 'final_runs' && die !== undefined && !/^[0-9a-f]{32}$/.test(die)) {
    throw new WafersyncError('invalid', `${field} names no run`, {
      hint: 'Name runs by their 32 hex digits.',
    });
  }
  const top = isObject(document) ? document[branch ?? ''] : undefined;
  const mapped = [
    'holds',
    'rebins',
    'ink_offs',
    'notes',
    'tags',
    'verdicts',
    'final_runs',
    'corrected',
    'attributes',
  ];
  if (mapped.includes(branch ?? '') && top !== undefined && !isObject(top)) {
    throw new WafersyncError('invalid', `/${branch} is a map`, {
      hint: `Write its members, as in /${branch}/NAME.`,
    });
  }
}

/** Whether a value is a number of gross dies. */
export function isGrossDies(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MAX_GROSS_DIES;
}

function isText(value: Json): boolean {
  return typeof value === 'string' && value.length > 0 && value.length <= 256;
}
