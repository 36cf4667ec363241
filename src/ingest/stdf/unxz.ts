import xz from 'xz-decompress';
import type { UnpackFault } from './unpack.ts';
import { XzStreams } from './xz-streams.ts';

/** Largest input that the library is given at once: it loses what it made of the one in which it finds damage. */
const INPUT_BYTES = 4096;

/** What XZ Embedded, which the library is made of, answers where it cannot read a stream. */
const CODE = { memory: 3, memoryLimit: 4, options: 6 } as const;

/**
 * Decompresses xz, one stream after the other. What follows the last one is padding or garbage and is left alone.
 * The library decompresses one thing at a time, so each has a thread of its own.
 * @param next gives input, null at its end
 * @returns what is wrong; null if nothing is
 */
export async function unxz(
  next: () => Uint8Array | null,
  give: (bytes: Uint8Array) => void,
): Promise<UnpackFault | null> {
  const streams = new XzStreams(next);
  while (streams.begin()) {
    try {
      for await (const bytes of new xz.XzReadableStream(inputOf(streams.read()))) {
        if (bytes.length > 0) give(bytes);
      }
    } catch (error) {
      return streams.isCut ? { kind: 'cut' } : faultOf(error as Error);
    }
  }
  return null;
}

/** A stream that is put together of pieces, which may be very small. */
function inputOf(pieces: Generator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    pull: (controller) => {
      const input: Uint8Array[] = [];
      for (let bytes = 0; bytes < INPUT_BYTES; ) {
        const { done, value } = pieces.next();
        if (done) break;
        input.push(value);
        bytes += value.length;
      }
      if (input.length > 0) controller.enqueue(Buffer.concat(input));
      else controller.close();
    },
  });
}

function faultOf(error: Error): UnpackFault {
  const code = Number(/error code (\d+)/.exec(error.message)?.[1]);
  switch (code) {
    case CODE.memory:
    case CODE.memoryLimit:
      return { kind: 'unreadable', detail: 'its dictionary is over 64 MiB' };
    case CODE.options:
      return { kind: 'unreadable', detail: 'it has a filter, or a SHA-256 checksum' };
    default:
      return { kind: 'damaged', detail: '' };
  }
}
