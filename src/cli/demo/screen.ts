/** Where a screen is drawn. */
export interface ScreenOutput {
  write(text: string): void;
  /** Width in characters; null where it is no terminal. */
  readonly columns: number | null;
  /** Height in lines; absent where it is no terminal. More than that is not drawn. */
  readonly rows?: number | undefined;
}

/** The process's stdout. */
export const processScreen: ScreenOutput = {
  write: (text) => void process.stdout.write(text),
  get columns() {
    return process.stdout.isTTY ? process.stdout.columns || DEFAULT_COLUMNS : null;
  },
  get rows() {
    return process.stdout.isTTY ? process.stdout.rows : undefined;
  },
};

/** Width of a terminal that does not tell it. */
const DEFAULT_COLUMNS = 80;

/**
 * Shows lines that change in place below text that stays. Without a terminal, what stays is printed and what changes
 * is printed when `print` is called.
 *
 * Invariant: the cursor stands `#shown` lines below where the changing lines begin. A line that wrapped would break
 * that, so none is as wide as the terminal; nor would a terminal scroll back, so they are fewer than it is high.
 */
export class Screen {
  readonly #output: ScreenOutput;
  readonly #lines: () => string[];
  #shown = 0;
  #ended = false;

  /** @param lines the changing lines, as they are now */
  constructor(output: ScreenOutput, lines: () => string[]) {
    this.#output = output;
    this.#lines = lines;
  }

  /** Adds text that stays, above the lines. */
  say(text: string): void {
    this.#output.write(`${this.#erasing()}${text}\n${this.#drawing()}`);
  }

  /** Draws the lines as they are now; on a terminal only. */
  redraw(): void {
    if (this.#output.columns !== null) this.#output.write(`${this.#erasing()}${this.#drawing()}`);
  }

  /** Prints the lines as text that stays, where there is no terminal. */
  print(): void {
    if (this.#output.columns === null) this.say(this.#lines().join('\n'));
  }

  /** Adds text that a terminal's lines show anyway, where there is none. */
  note(text: string): void {
    if (this.#output.columns === null) this.say(text);
  }

  /** Leaves the lines as they are; nothing is redrawn any more. Wipes out the `^C` that a terminal shows. */
  end(): void {
    this.#shown = 0;
    this.#ended = true;
    if (this.#output.columns !== null) this.#output.write('\r\u001b[J');
  }

  #erasing(): string {
    const shown = this.#shown;
    this.#shown = 0;
    return shown > 0 ? `\u001b[${shown}A\u001b[J` : '';
  }

  #drawing(): string {
    const { columns, rows } = this.#output;
    if (columns === null || this.#ended) return '';
    const fitting = this.#lines().slice(0, rows ? Math.max(1, rows - 1) : undefined);
    const lines = fitting.map((line) => line.slice(0, Math.max(1, columns - 1)));
    this.#shown = lines.length;
    return lines.map((line) => `${line}\n`).join('');
  }
}
