import { WafersyncError } from '../errors.ts';
import { CODE_TRAILER, GrpcCode } from '../wire/status.ts';
import { neverConnected, reasonOf } from './connection-words.ts';
import { fromMetadata } from './metadata.ts';

/** The error of a call in words: what a node said stays as it is, what the library says of the connection is put plainly. */
export function nodeFailure(thrown: unknown, address: string): WafersyncError {
  const error = WafersyncError.from(thrown);
  const status = libraryStatus(error.cause);
  if (status === null) return error;
  const { code, details } = status;
  if (code === GrpcCode.DEADLINE_EXCEEDED) return late(details, address, error);
  if (code === GrpcCode.CANCELLED) return brokenOff(address, error);
  if (neverConnected(details)) {
    return new WafersyncError('unavailable', `${noNodeAt(address)}${reasonOf(details)}`, {
      hint: 'Start the node, or correct the address.',
      cause: error,
    });
  }
  return new WafersyncError(
    'unavailable',
    `the connection to the node at ${address} was lost${reasonOf(details)}`,
    {
      hint: 'Try again: what the node acknowledged is kept, and handing the same in again adds nothing.',
      cause: error,
    },
  );
}

/** Whether an error of {@link nodeFailure} says that there is no node at an address. @param address `host:port` */
export function isNoAnswer({ code, message }: WafersyncError, address: string): boolean {
  return code === 'unavailable' && message.startsWith(noNodeAt(address));
}

function noNodeAt(address: string): string {
  return `no node answers at ${address}`;
}

/** Something may take connections and say nothing. @param waitedMs how long it was waited for */
export function noAnswer(address: string, waitedMs: number, cause?: unknown): WafersyncError {
  return new WafersyncError('unavailable', `${noNodeAt(address)} (no answer in ${waitedMs / 1000} s)`, {
    hint: 'Start the node, or correct the address.',
    ...(cause === undefined ? {} : { cause }),
  });
}

/** What grpc-js says once the time of a call is over, and of one that never had a connection. */
const DEADLINE = /^Deadline exceeded after ([\d.]+)s/;
const NO_CONNECTION = /Waiting for LB pick$/;

function late(details: string, address: string, cause: WafersyncError): WafersyncError {
  // The library's clock starts a moment after that of who asked.
  const seconds = Math.round(Number(DEADLINE.exec(details)?.[1] ?? 0));
  if (NO_CONNECTION.test(details)) return noAnswer(address, seconds * 1000, cause);
  return new WafersyncError('unavailable', `the node at ${address} gave no answer in ${seconds} s`, {
    hint: 'Try again; if that happens again, look at its log and its machine.',
    cause,
  });
}

/** A node that stops breaks off what does not end by itself. */
function brokenOff(address: string, cause: WafersyncError): WafersyncError {
  return new WafersyncError(
    'unavailable',
    `the node at ${address} broke the call off, as one that stops does`,
    {
      hint: 'Try again once it runs: what it acknowledged is kept.',
      cause,
    },
  );
}

/** What grpc-js says of a call that this side gave up. */
const OWN_CANCEL = 'Cancelled on client';

const PLAIN: readonly number[] = [GrpcCode.UNAVAILABLE, GrpcCode.DEADLINE_EXCEEDED, GrpcCode.CANCELLED];

/** A status of the connection that grpc-js made itself, or a peer without a word of its own; null for anything else. */
function libraryStatus(cause: unknown): LibraryStatus | null {
  if (!(cause instanceof Error) || !('details' in cause) || !('metadata' in cause)) return null;
  const status = cause as Error & LibraryStatus;
  if (!PLAIN.includes(status.code) || status.details === OWN_CANCEL) return null;
  return fromMetadata(status.metadata)[CODE_TRAILER] === undefined ? status : null;
}

interface LibraryStatus {
  readonly code: number;
  readonly details: string;
  readonly metadata: Parameters<typeof fromMetadata>[0];
}
