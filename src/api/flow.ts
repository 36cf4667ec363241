import type { Readable } from 'node:stream';

/** The writing side of a grpc-js stream. */
export interface ObjectSink<T> {
  /** False once 16 messages wait; they are counted, not measured. */
  write(message: T, taken?: () => void): boolean;
  once(event: 'drain', run: () => void): unknown;
  off(event: 'drain', run: () => void): unknown;
}

/** Settles when the sink takes more messages, or when `signal` is aborted, whichever comes first. */
export function drained<T>(sink: ObjectSink<T>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      sink.off('drain', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    sink.once('drain', done);
    signal.addEventListener('abort', done);
  });
}

/** Hands a message over; settles when the next one may follow, while others still wait. */
export async function passed<T>(sink: ObjectSink<T>, message: T, signal: AbortSignal): Promise<void> {
  if (!sink.write(message)) await drained(sink, signal);
}

/** Hands a message over; settles when it has left, or when `signal` is aborted, so that no second one ever waits. */
export function taken<T>(sink: ObjectSink<T>, message: T, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      signal.removeEventListener('abort', done);
      resolve();
    };
    signal.addEventListener('abort', done);
    sink.write(message, done);
  });
}

/**
 * The messages of a stream. Nothing is read ahead beyond the stream's own 16 messages, so a slow
 * consumer slows the sender. Leaving early keeps the stream open, unlike the stream's own iterator:
 * a call can still be answered. Ends with the stream; throws the reason of `signal` when that is aborted
 * before, unread messages or not.
 */
export async function* messagesOf<T>(stream: Readable, signal?: AbortSignal): AsyncGenerator<T, void, void> {
  let wake = () => {};
  const onEvent = () => wake();
  stream.on('readable', onEvent);
  stream.on('end', onEvent);
  signal?.addEventListener('abort', onEvent);
  try {
    while (!stream.readableEnded) {
      signal?.throwIfAborted();
      const message = stream.read() as T | null;
      if (message !== null) yield message;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    stream.off('readable', onEvent);
    stream.off('end', onEvent);
    signal?.removeEventListener('abort', onEvent);
  }
}
