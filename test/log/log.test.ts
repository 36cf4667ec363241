import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { WafersyncError } from '../../src/errors.ts';
import { createLog, type Log, type LogLevel, silentLog } from '../../src/log.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** A log and the lines that it wrote, parsed. */
function collect(level: LogLevel = 'debug'): { log: Log; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const destination = (bytes: Uint8Array) => {
    for (const line of Buffer.from(bytes).toString().trimEnd().split('\n')) lines.push(JSON.parse(line));
    return bytes.length;
  };
  return { log: createLog({ level, fab: 'tw', destination, nowMs: () => 0 }), lines };
}

test('an event is one line of JSON with level, time, fab and its fields', () => {
  const { log, lines } = collect();
  log.info('peer.connected', { peer: 'az', wafer: 'L1/W1/-', stream: 's', request_id: 'r', n: 1 });
  assert.deepEqual(lines, [
    {
      level: 'info',
      time: '1970-01-01T00:00:00.000Z',
      fab: 'tw',
      peer: 'az',
      wafer: 'L1/W1/-',
      stream: 's',
      request_id: 'r',
      n: 1,
      event: 'peer.connected',
    },
  ]);
});

test('a line feed in a value does not make a second line', () => {
  const written: string[] = [];
  const destination = (bytes: Uint8Array) => written.push(Buffer.from(bytes).toString()) && bytes.length;
  createLog({ level: 'info', fab: 'tw', destination }).info('stream.failed', { stream: 'a\nb' });
  assert.equal(written.join('').split('\n').length, 2);
});

test('a log with fields writes them on each line, the nearest winning, no field twice', () => {
  const { log, lines } = collect();
  const near = log.with({ peer: 'az', stream: 's1', wafer: 'w' }).with({ stream: 's2' });
  near.warn('stream.slow', { peer: 'de' });
  log.info('node.started');
  const { fab, wafer, peer, stream } = lines[0]!;
  assert.deepEqual({ fab, wafer, peer, stream }, { fab: 'tw', wafer: 'w', peer: 'de', stream: 's2' });
  assert.ok(!('peer' in (lines[1] ?? {})));
});

test('lines below the level are not written', () => {
  const events = (level: LogLevel) => {
    const { log, lines } = collect(level);
    for (const name of ['debug', 'info', 'warn', 'error'] as const) log[name](`at.${name}`);
    return lines.map((line) => line.level);
  };
  assert.deepEqual(events('debug'), ['debug', 'info', 'warn', 'error']);
  assert.deepEqual(events('warn'), ['warn', 'error']);
  assert.deepEqual(events('silent'), []);
});

test('an expected error is told with code, message, hint and causes, without a stack', () => {
  const { log, lines } = collect();
  const refused = Object.assign(new Error('connect failed', { cause: 'cable' }), { code: 'ECONNREFUSED' });
  const error = new WafersyncError('unavailable', 'az does not answer', {
    hint: 'Start it.',
    cause: refused,
  });
  log.warn('peer.lost', { peer: 'az' }, error);
  assert.deepEqual(lines[0]?.error, {
    code: 'unavailable',
    message: 'az does not answer',
    hint: 'Start it.',
    causes: ['ECONNREFUSED: connect failed', 'cable'],
  });
});

test('a broken law, or anything that was thrown unforeseen, has the stack of where it broke', () => {
  const { log, lines } = collect();
  log.error('law.broken', {}, new WafersyncError('internal', 'invariant broken'));
  log.error('fold.failed', {}, new TypeError('x is not a function'));
  log.error('odd.thrown', {}, 'a text');
  for (const line of lines) {
    const error = line.error as { code: string; stack: string };
    assert.equal(error.code, 'internal');
    assert.match(error.stack, /log\.test\.ts|log\.ts/);
  }
  assert.match((lines[1]!.error as { stack: string }).stack, /^TypeError: x is not a function/);
});

test('causes that go round, or without end, are cut', () => {
  const { log, lines } = collect();
  const round = new Error('round');
  round.cause = round;
  log.error('cause.round', {}, new WafersyncError('damaged', 'top', { cause: round }));
  assert.equal((lines[0]!.error as { causes: string[] }).causes.length, 5);
});

test('lines are in the file before the call returns, behind those of earlier runs', (t) => {
  const file = join(temporaryFolder(t), 'node.log');
  createLog({ level: 'info', fab: 'tw', destination: file }).info('node.started');
  createLog({ level: 'info', fab: 'tw', destination: file }).info('node.started');
  assert.equal(readFileSync(file, 'utf8').split('\n').length, 3);
});

test('a file that cannot be opened is told with the remedy', (t) => {
  const destination = join(temporaryFolder(t), 'none', 'node.log');
  assert.throws(() => createLog({ level: 'info', fab: 'tw', destination }), {
    code: 'precondition',
    message: /cannot write the log .*none/,
    hint: /folder that exists/,
  });
});

test('the silent log takes everything and has children', () => {
  silentLog.with({ peer: 'az' }).error('peer.lost', {}, new Error('x'));
  assert.equal(silentLog.with({}), silentLog);
});
