import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Dot } from '../../../src/clocks/dot.ts';
import type { Timestamp } from '../../../src/clocks/hlc.ts';
import { conflictId, type Member, settlementOf } from '../../../src/wafer/document/conflict.ts';
import type { Settlement } from '../../../src/wafer/document/edit.ts';
import type { FieldPath } from '../../../src/wafer/document/field.ts';
import { dotOf } from '../../support/document-siblings.ts';

const WAFER = { lot: 'L', waferId: 'W', insertion: 'CP1' };
const [TW, AZ, DE]: Dot[] = [dotOf('tw', 1), dotOf('az', 2), dotOf('de', 3)];
const CONFLICT: Settlement = { kind: 'field', field: '/a' as FieldPath, dots: [AZ!, TW!] };

function member(dot: Dot, field = '/a', timestamp = 1): Member {
  return { field: field as FieldPath, dot, timestamp: timestamp as Timestamp, value: '1' };
}

test('the id is the same in every version of the software', () => {
  assert.equal(conflictId(WAFER, CONFLICT), 'b61bb8aa4434b2a92b48c45603486448');
});

test('the id hangs on wafer, kind, field and dots, each by itself', () => {
  const ids = [
    conflictId(WAFER, CONFLICT),
    conflictId({ ...WAFER, lot: 'LW', waferId: '' }, CONFLICT),
    conflictId({ ...WAFER, lot: '', waferId: 'LW' }, CONFLICT),
    conflictId({ ...WAFER, insertion: 'CP2' }, CONFLICT),
    conflictId(WAFER, { ...CONFLICT, kind: 'shape' }),
    conflictId(WAFER, { ...CONFLICT, field: '/b' as FieldPath }),
    conflictId(WAFER, { ...CONFLICT, dots: [AZ!] }),
    conflictId(WAFER, { ...CONFLICT, dots: [AZ!, DE!] }),
  ];
  assert.equal(new Set(ids).size, ids.length);
  for (const id of ids) assert.match(id, /^[0-9a-f]{32}$/);
});

test('dots are named once and in order, of a guard with the guarded edit first', () => {
  const members = [member(TW!, '/a', 3), member(TW!, '/b', 3), member(DE!, '/c', 2), member(AZ!, '/d', 1)];
  const named = (kind: Settlement['kind']) => settlementOf({ kind, field: '/a' as FieldPath, members }).dots;
  assert.deepEqual(named('field'), [AZ, DE, TW]);
  assert.deepEqual(named('guard'), [TW, AZ, DE]);
});
