import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventSource, logged } from '../../src/replica/event-source.ts';
import { Journal } from '../support/grpc-client.ts';

test('all listeners are told, and what the first one threw is thrown then', () => {
  const source = new EventSource<number>();
  const told: number[] = [];
  const failures = [new Error('first'), new Error('second')];
  for (const failure of failures) {
    source.subscribe(() => {
      throw failure;
    });
    source.subscribe((event) => told.push(event));
  }
  assert.throws(() => source.emit(7), failures[0]);
  assert.deepEqual(told, [7, 7]);
});

test('a listener that may fail is told of once, until it works again', () => {
  const log = new Journal();
  const listen = logged<boolean>(log, 'members', (fails) => {
    if (fails) throw new Error('no');
  });
  for (const fails of [true, true, false, true]) listen(fails);
  const { event, fields } = log.lines[0]!;
  assert.deepEqual([event, fields, log.lines.length], ['listener.failed', { listener: 'members' }, 2]);
});
