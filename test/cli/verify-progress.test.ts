import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { VerifyProgress } from '../../src/cli/verify/verify-progress.ts';

/** A terminal that keeps what is written to it. */
class Screen extends Writable {
  readonly isTTY = true;
  readonly columns = 80;
  text = '';

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }

  /** What was written since this was asked last, without what steers the terminal. */
  take(): string {
    const taken = stripVTControlCharacters(this.text).trim();
    this.text = '';
    return taken;
  }
}

function progress() {
  const screen = new Screen();
  const clock = { ms: 0 };
  const shown = new VerifyProgress({ stream: screen, steadyMs: () => clock.ms });
  return { screen, clock, shown };
}

test('a verification that takes long tells which fab has read how much, and of how much where that is known', () => {
  const { screen, clock, shown } = progress();
  clock.ms = 1_900;
  shown.read('tw', 1_000);
  assert.equal(screen.text, '', 'it may be over soon');
  clock.ms = 12_000;
  shown.read('tw', 25_000);
  assert.match(screen.take(), /^tw: 25,000 wafers and runs read, 12\.0 s/);
  shown.read('tw', 30_000);
  clock.ms = 75_000;
  screen.take();
  shown.read('az', 9_000);
  shown.clear();
  assert.match(screen.take(), /^az: 9,000 of about 30,000 wafers and runs read, 1 min 15 s/);
});

test('the line goes where something else is told, and comes again', () => {
  const { screen, clock, shown } = progress();
  clock.ms = 5_000;
  shown.read('tw', 1);
  screen.text = '';
  shown.clear();
  assert.notEqual(screen.text, '', 'the line is taken away');
  assert.equal(screen.take(), '');
  screen.text = '';
  shown.clear();
  assert.equal(screen.text, '');
  shown.read('tw', 2);
  assert.match(screen.take(), /tw: 2 wafers and runs read/);
  shown.clear();
});

test('nothing is shown where nobody sees it', () => {
  const shown = new VerifyProgress({ stream: null, steadyMs: () => 60_000 });
  shown.read('tw', 1);
  shown.clear();
});
