import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unary } from '../../src/api/call.ts';
import { lotAsker } from '../../src/api/lot-asker.ts';
import { fabId } from '../../src/clocks/dot.ts';
import { syncControl } from '../../src/wire/services.ts';
import { freePorts } from '../support/free-ports.ts';
import { serve } from '../support/grpc-client.ts';
import { startNodes } from '../support/local-nodes.ts';
import { unusedSteering } from '../support/unused-handlers.ts';

const AZ = fabId('az');
const askAt = (address: string | null, signal = new AbortController().signal) =>
  lotAsker({ addressOf: () => address })(AZ, 'L1', signal);

test('a fab without an address, or of a version that does not know the question, cannot be asked', async (t) => {
  assert.deepEqual(await askAt(null), { kind: 'unaskable', reason: 'this node has no address of it' });
  const older = await serve(t, (server) =>
    server.add(syncControl, {
      ...unusedSteering,
      ListFabs: unary(() => ({})),
      AddFab: unary(() => ({})),
      RemoveFab: unary(() => ({})),
      EvictFab: unary(() => ({})),
    }),
  );
  const reason = 'its version of wafersync cannot be asked for a lot';
  assert.deepEqual(await askAt(older.address), { kind: 'unaskable', reason });
});

test('a fab that does not answer is silent, and so is another fab in its place', async (t) => {
  const [port] = await freePorts(1);
  const gone = await askAt(`127.0.0.1:${port}`);
  assert.equal(gone.kind, 'silent');
  assert.match(
    gone.kind === 'silent' ? gone.reason : '',
    /^no node answers at \S+ \(connection refused\)\. /,
  );
  const [de] = await startNodes(t, ['de']);
  assert.deepEqual(await askAt(de!.address), {
    kind: 'silent',
    reason: `at ${de!.address} answers de instead: correct the address`,
  });
  const over = AbortSignal.abort();
  const reason = 'it did not answer before time was up';
  assert.deepEqual(await askAt(de!.address, over), { kind: 'silent', reason });
});

test('a fab that knows nothing of a lot answers that it has nothing', async (t) => {
  const [az] = await startNodes(t, ['az']);
  const answer = await askAt(az!.address);
  assert.ok(answer.kind === 'answered' && answer.vector.isEmpty && /^[0-9a-f]{64}$/.test(answer.digest));
});
