import type { ScreenOutput } from '../../src/cli/demo/screen.ts';

const ESCAPE = '\u001b';
/** Up by some lines and erase what is below; erase this line; or the end of a line. */
const CONTROLS = new RegExp(`(${ESCAPE}\\[\\d+A${ESCAPE}\\[J|\r${ESCAPE}\\[J|\r?\n)`);

/** A terminal, as far as the demo's screen uses one: what stands on it, line by line. */
export class FakeTerminal implements ScreenOutput {
  readonly columns: number | null;
  #lines: string[] = [''];

  constructor(columns: number | null) {
    this.columns = columns;
  }

  /** The lines, without the one that the cursor is in. */
  get lines(): readonly string[] {
    return this.#lines.slice(0, -1);
  }

  write(text: string): void {
    for (const part of text.split(CONTROLS)) {
      if (part.endsWith('\n')) this.#lines.push('');
      else if (part.startsWith('\r')) this.#goUp(0);
      else if (part.startsWith(ESCAPE)) this.#goUp(Number.parseInt(part.slice(2), 10));
      else this.#lines[this.#lines.length - 1] += part;
    }
  }

  #goUp(lines: number): void {
    this.#lines = [...this.#lines.slice(0, this.#lines.length - 1 - lines), ''];
  }
}
