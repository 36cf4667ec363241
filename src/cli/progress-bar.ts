import { SingleBar } from 'cli-progress';

/** A line of a terminal that shows how far something is. The terminal stays as it is: whoever presses Ctrl-C keeps the cursor. */
export function progressBar(format: string, stream: NodeJS.WritableStream): SingleBar {
  return new SingleBar({ format, stream, hideCursor: false, linewrap: true, clearOnComplete: true });
}
