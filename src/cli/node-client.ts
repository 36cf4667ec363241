import { type ClientOf, makeClient } from '../api/client.ts';
import { neverConnected, reasonOf } from '../api/connection-words.ts';
import { fromMetadata } from '../api/metadata.ts';
import { WafersyncError } from '../errors.ts';
import { type AnyMethod, type Service, syncMonitor } from '../wire/services.ts';
import { CODE_TRAILER, GrpcCode } from '../wire/status.ts';

/** How long a connection may take to come about, milliseconds. */
const CONNECT_MS = 10_000;

/**
 * Calls a node by a client of its own, which is closed afterwards.
 * @param address `host:port`
 * @param connectMs how long the connection may take to come about
 * @throws WafersyncError what the node says, or that it cannot be reached
 */
export async function withNode<Methods extends Record<string, AnyMethod>, T>(
  service: Service<Methods>,
  address: string,
  use: (client: ClientOf<Methods>) => Promise<T>,
  connectMs = CONNECT_MS,
): Promise<T> {
  const client = makeClient(service, address);
  try {
    return await Promise.race([use(client), refusal(client, address, connectMs)]);
  } catch (thrown) {
    throw nodeFailure(thrown, address);
  } finally {
    client.close();
  }
}

/** Asks a node for a word: a wrong address is told at once. @throws WafersyncError that it cannot be reached */
export async function checkReachable(address: string): Promise<void> {
  await withNode(syncMonitor, address, (monitor) => monitor.GetNode({}));
}

/** Rejects where no connection comes about in time: something that takes connections may still say nothing. */
async function refusal(
  client: Pick<ClientOf<object>, 'ready'>,
  address: string,
  connectMs: number,
): Promise<never> {
  const ready = await client.ready(connectMs).then(
    () => true,
    () => false,
  );
  if (ready) return new Promise(() => {});
  throw new WafersyncError(
    'unavailable',
    `no node answers at ${address} (no answer in ${connectMs / 1000} s)`,
    {
      hint: 'Start the node, or correct the address.',
    },
  );
}

/** The error of a call in words: what a node said stays as it is, what the library says of the connection is put plainly. */
export function nodeFailure(thrown: unknown, address: string): WafersyncError {
  const error = WafersyncError.from(thrown);
  const details = libraryDetails(error.cause);
  if (details === null) return error;
  if (neverConnected(details)) {
    return new WafersyncError('unavailable', `no node answers at ${address}${reasonOf(details)}`, {
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

/** Details of an UNAVAILABLE that grpc-js made itself; null for anything else. */
function libraryDetails(cause: unknown): string | null {
  if (!(cause instanceof Error) || !('details' in cause) || !('metadata' in cause)) return null;
  const { code, details, metadata } = cause as Error & LibraryStatus;
  if (code !== GrpcCode.UNAVAILABLE) return null;
  return fromMetadata(metadata)[CODE_TRAILER] === undefined ? details : null;
}

interface LibraryStatus {
  readonly code: number;
  readonly details: string;
  readonly metadata: Parameters<typeof fromMetadata>[0];
}
