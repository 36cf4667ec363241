import { WafersyncError } from '../../errors.ts';

/** Longest line, bytes. */
export const MAX_LINE_BYTES = 64 * 1024;

/** A line and its number, from 1. */
export interface Line {
  readonly number: number;
  readonly text: string;
}

/**
 * The lines of a text that are not blank. A last line without its end counts.
 * @param name what the text is called, for messages
 * @throws WafersyncError `invalid` for a line over {@link MAX_LINE_BYTES}
 */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Line> {
  const decoder = new TextDecoder();
  let rest = '';
  let number = 0;
  for await (const chunk of chunks) {
    const pieces = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = pieces.pop()!;
    for (const piece of pieces) {
      number++;
      if (piece.length > MAX_LINE_BYTES) throw tooLong(name, number);
      if (piece.trim() !== '') yield { number, text: piece };
    }
    if (rest.length > MAX_LINE_BYTES) throw tooLong(name, number + 1);
  }
  rest += decoder.decode();
  if (rest.trim() !== '') yield { number: number + 1, text: rest };
}

function tooLong(name: string, number: number): WafersyncError {
  return new WafersyncError('invalid', `line ${number} of ${name} is longer than ${MAX_LINE_BYTES} bytes`, {
    hint: 'Write one result a line, as a JSON object.',
  });
}
