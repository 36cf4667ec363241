import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Screen } from '../../src/cli/demo/screen.ts';
import { FakeTerminal } from '../support/fake-terminal.ts';

test('on a terminal the lines are redrawn in place, below the text that stays', () => {
  const terminal = new FakeTerminal(80);
  let count = 0;
  const screen = new Screen(terminal, () => [`tw ${count}`, `az ${count}`]);
  screen.say('hello');
  assert.deepEqual(terminal.lines, ['hello', 'tw 0', 'az 0']);
  count = 1;
  screen.redraw();
  assert.deepEqual(terminal.lines, ['hello', 'tw 1', 'az 1']);
  screen.say('two\nlines');
  screen.print();
  screen.note('a note');
  assert.deepEqual(terminal.lines, ['hello', 'two', 'lines', 'tw 1', 'az 1']);
});

test('no line that changes is as wide as the terminal', () => {
  const terminal = new FakeTerminal(10);
  const screen = new Screen(terminal, () => ['0123456789012345', 'short']);
  screen.redraw();
  assert.deepEqual(terminal.lines, ['012345678', 'short']);
});

test('after the end the lines stay as they are', () => {
  const terminal = new FakeTerminal(80);
  let count = 0;
  const screen = new Screen(terminal, () => [`tw ${count}`]);
  screen.redraw();
  screen.end();
  count = 1;
  screen.redraw();
  screen.say('bye');
  assert.deepEqual(terminal.lines, ['tw 0', 'bye']);
});

test('without a terminal nothing is redrawn, and lines are printed when asked for', () => {
  const terminal = new FakeTerminal(null);
  let count = 0;
  const screen = new Screen(terminal, () => [`a line that is long enough ${count}`]);
  screen.say('hello');
  screen.redraw();
  count = 1;
  screen.print();
  screen.note('a note');
  assert.deepEqual(terminal.lines, ['hello', 'a line that is long enough 1', 'a note']);
});

test('what a terminal shows of Ctrl-C is wiped out', () => {
  const terminal = new FakeTerminal(80);
  const screen = new Screen(terminal, () => ['tw']);
  screen.redraw();
  terminal.write('^C');
  screen.end();
  screen.say('bye');
  assert.deepEqual(terminal.lines, ['tw', 'bye']);
});

test('lines that a terminal is too low for are not drawn', () => {
  const written: string[] = [];
  const output = { columns: 80, rows: 4, write: (text: string) => void written.push(text) };
  const screen = new Screen(output, () => ['one', 'two', 'three', 'four', 'five']);
  screen.redraw();
  screen.redraw();
  assert.deepEqual(written, ['one\ntwo\nthree\n', '\u001b[3A\u001b[Jone\ntwo\nthree\n']);
});
