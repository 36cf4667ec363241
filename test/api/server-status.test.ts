import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { unary } from '../../src/api/call.ts';
import { makeClient } from '../../src/api/client.ts';
import { type ErrorCode, WafersyncError } from '../../src/errors.ts';
import { health } from '../../src/wire/services.ts';
import { fromStatus, GrpcCode, MAX_TEXT_BYTES, toStatus } from '../../src/wire/status.ts';
import { closing, serve } from '../support/grpc-client.ts';

const STATUS_OF: Record<ErrorCode, number> = {
  invalid: GrpcCode.INVALID_ARGUMENT,
  'not-found': GrpcCode.NOT_FOUND,
  conflict: GrpcCode.ABORTED,
  exhausted: GrpcCode.RESOURCE_EXHAUSTED,
  unavailable: GrpcCode.UNAVAILABLE,
  precondition: GrpcCode.FAILED_PRECONDITION,
  damaged: GrpcCode.DATA_LOSS,
  cancelled: GrpcCode.CANCELLED,
  internal: GrpcCode.INTERNAL,
};
const codes = Object.keys(STATUS_OF) as ErrorCode[];

/** Text of any characters, lone surrogates among them, that is not clipped. */
const text = fc.string({ unit: 'binary', maxLength: 100 });
const errors = fc.record({
  code: fc.constantFrom(...codes),
  message: text,
  hint: fc.oneof(
    fc.constant(''),
    text,
    fc.constantFrom(' ', 'a, b', '100 % of "x"', ' padded  ', 'naïve – 台積'),
  ),
});

test('each code has the gRPC status that the contract names', () => {
  for (const code of codes) assert.equal(toStatus(new WafersyncError(code, 'x')).code, STATUS_OF[code]);
});

test('an error comes back from its status as it was', () => {
  fc.assert(
    fc.property(errors, ({ code, message, hint }) => {
      const back = fromStatus(toStatus(new WafersyncError(code, message, { hint })));
      assert.deepEqual(
        [back.code, back.message, back.hint],
        [code, message.toWellFormed(), hint.toWellFormed()],
      );
    }),
  );
});

test('trailers are printable ASCII without outer spaces, and texts are bounded, whatever the error says', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 9000 }), fc.constantFrom(...codes), (long, code) => {
      const status = toStatus(new WafersyncError(code, long, { hint: long }));
      assert.ok(encodeURI(status.details).length <= MAX_TEXT_BYTES);
      for (const value of Object.values(status.trailers)) {
        assert.match(value, /^([!-~]([ -~]*[!-~])?)?$/);
        assert.ok(value.length <= MAX_TEXT_BYTES);
      }
    }),
  );
});

test('a text that is too long is cut between characters and ends with an ellipsis', () => {
  const { details } = toStatus(new WafersyncError('invalid', '🧪'.repeat(2000)));
  assert.match(details, /^(🧪)+…$/u);
  assert.ok(encodeURI(details).length > MAX_TEXT_BYTES - 24);
});

test('details hold message and hint in one line for clients that know nothing of wafersync', () => {
  const status = toStatus(new WafersyncError('exhausted', 'the disk is full', { hint: 'Free some space.' }));
  assert.equal(status.details, 'the disk is full. Free some space.');
});

test('anything that was thrown becomes INTERNAL with its message', () => {
  assert.equal(toStatus(new TypeError('x is not a function')).code, GrpcCode.INTERNAL);
  assert.equal(toStatus('a string').details, 'a string');
});

test('a status without a code of ours is mapped by its number, an unknown number to internal', () => {
  const codeOf = (code: number) => fromStatus({ code, details: '', trailers: {} }).code;
  assert.equal(codeOf(GrpcCode.DEADLINE_EXCEEDED), 'cancelled');
  assert.equal(codeOf(GrpcCode.ALREADY_EXISTS), 'conflict');
  assert.equal(codeOf(GrpcCode.UNIMPLEMENTED), 'precondition');
  assert.equal(codeOf(GrpcCode.PERMISSION_DENIED), 'precondition');
  assert.equal(codeOf(99), 'internal');
  const strange = {
    code: 5,
    details: 'x',
    trailers: { 'wafersync-code': 'toString', 'wafersync-hint': '%' },
  };
  assert.equal(fromStatus(strange).code, 'not-found');
  assert.equal(fromStatus(strange).hint, '%');
});

test('of all gRPC codes only UNKNOWN and INTERNAL come back as internal', () => {
  const back = Object.entries(GrpcCode).filter(
    ([, code]) => code !== GrpcCode.OK && fromStatus({ code, details: '', trailers: {} }).code === 'internal',
  );
  assert.deepEqual(
    back.map(([name]) => name),
    ['UNKNOWN', 'INTERNAL'],
  );
});

test('an error crosses a real connection unchanged', async (t) => {
  let thrown = new WafersyncError('internal', '');
  const { address } = await serve(t, (server) =>
    server.add(health, {
      Check: unary(() => {
        throw thrown;
      }),
      List: unary(() => ({})),
      Watch: () => {},
    }),
  );
  const client = closing(t, makeClient(health, address));
  await fc.assert(
    fc.asyncProperty(errors, async ({ code, message, hint }) => {
      thrown = new WafersyncError(code, message, { hint });
      await assert.rejects(client.Check({}), (back: WafersyncError) => {
        assert.deepEqual(
          [back.code, back.message, back.hint],
          [code, message.toWellFormed(), hint.toWellFormed()],
        );
        return true;
      });
    }),
  );
});
