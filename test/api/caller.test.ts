import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Metadata } from '@grpc/grpc-js';
import { callerOf } from '../../src/api/caller.ts';

// The example of the W3C's Trace Context.
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

function read(...values: string[]) {
  const metadata = new Metadata();
  for (const value of values) metadata.add('traceparent', value);
  return callerOf(metadata);
}

test('a traceparent names a span, and whether it is recorded', () => {
  assert.deepEqual(read(`00-${TRACE}-${SPAN}-01`), { traceId: TRACE, spanId: SPAN, sampled: true });
  assert.deepEqual(read(`00-${TRACE}-${SPAN}-00`), { traceId: TRACE, spanId: SPAN, sampled: false });
  // Other flags say nothing of it.
  assert.equal(read(`00-${TRACE}-${SPAN}-02`)?.sampled, false);
});

test('a later version is read as far as it is known', () => {
  for (const more of ['', '-', '-what-comes']) {
    assert.equal(read(`cc-${TRACE}-${SPAN}-01${more}`)?.spanId, SPAN, more);
  }
});

for (const [what, ...values] of [
  ['none'],
  ['an empty one', ''],
  ['two', `00-${TRACE}-${SPAN}-01`, `00-${TRACE}-${SPAN}-01`],
  ['version ff', `ff-${TRACE}-${SPAN}-01`],
  ['version 00 with more behind it', `00-${TRACE}-${SPAN}-01-more`],
  ['a trace of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`],
  ['a span of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
  ['capital letters', `00-${TRACE.toUpperCase()}-${SPAN}-01`],
  ['a short trace', `00-${TRACE.slice(1)}-${SPAN}-01`],
  ['a long one', `cc-${TRACE}-${SPAN}-01-${'x'.repeat(1000)}`],
  ['something behind the flags', `cc-${TRACE}-${SPAN}-01x`],
] as const) {
  test(`${what} names no span`, () => assert.equal(read(...values), null));
}
