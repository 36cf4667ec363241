import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { localToUtcMs } from '../../src/ingest/stdf/local-time.ts';

const utc = (local: string, timeZone: string): string =>
  new Date(localToUtcMs(Date.parse(`${local}Z`) / 1000, timeZone)).toISOString().slice(0, 19);

test('local time is told from UTC by the offset of its day', () => {
  assert.equal(utc('2026-01-15T12:00:00', 'UTC'), '2026-01-15T12:00:00');
  assert.equal(utc('2026-01-15T12:00:00', 'Asia/Taipei'), '2026-01-15T04:00:00');
  assert.equal(utc('2026-01-15T12:00:00', 'Europe/Berlin'), '2026-01-15T11:00:00');
  assert.equal(utc('2026-07-15T12:00:00', 'Europe/Berlin'), '2026-07-15T10:00:00');
  assert.equal(utc('2026-07-15T12:00:00', 'America/Phoenix'), '2026-07-15T19:00:00');
});

test('hours around a change of summer time are right on both sides', () => {
  assert.equal(utc('2026-03-29T01:59:59', 'Europe/Berlin'), '2026-03-29T00:59:59');
  assert.equal(utc('2026-03-29T03:00:00', 'Europe/Berlin'), '2026-03-29T01:00:00');
  assert.equal(utc('2026-10-25T01:59:59', 'Europe/Berlin'), '2026-10-24T23:59:59');
  assert.equal(utc('2026-10-25T03:00:00', 'Europe/Berlin'), '2026-10-25T02:00:00');
});

test('a time that came twice is the earlier, one that was skipped counts from the offset before', () => {
  assert.equal(utc('2026-10-25T02:30:00', 'Europe/Berlin'), '2026-10-25T00:30:00');
  assert.equal(utc('2026-03-29T02:30:00', 'Europe/Berlin'), '2026-03-29T01:30:00');
});

test('every time that a zone showed is found again', () => {
  const zones = fc.constantFrom(
    'Asia/Taipei',
    'America/Phoenix',
    'Europe/Berlin',
    'Asia/Jerusalem',
    'Asia/Seoul',
    'Australia/Lord_Howe',
  );
  fc.assert(
    fc.property(zones, fc.integer({ min: 0, max: 0xffff_ffff }), (zone, seconds) => {
      const parts = new Intl.DateTimeFormat('sv-SE', {
        timeZone: zone,
        dateStyle: 'short',
        timeStyle: 'medium',
      });
      const shown = parts.format(seconds * 1000);
      const found = localToUtcMs(Date.parse(`${shown.replace(' ', 'T')}Z`) / 1000, zone);
      assert.equal(parts.format(found), shown);
      assert.ok(found <= seconds * 1000);
    }),
  );
});

test('a time zone that is not known is an error with an example', () => {
  assert.throws(() => localToUtcMs(0, 'Taiwan/Hsinchu'), { code: 'invalid', hint: /Asia\/Taipei/ });
});
