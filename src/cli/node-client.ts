import { type ClientOf, makeClient } from '../api/client.ts';
import { noAnswer, nodeFailure } from '../api/node-failure.ts';
import { type AnyMethod, type Service, syncMonitor } from '../wire/services.ts';

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
  throw noAnswer(address, connectMs);
}
