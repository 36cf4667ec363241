import { makeClient } from '../../src/api/client.ts';
import { runService, syncMonitor, testEquipment } from '../../src/wire/services.ts';

/** Clients of each kind. */
const OF_EACH = 4;

/**
 * Clients that stay for long: watchers that read nothing after the first word, histories of which a message is read now
 * and then, and lists whose pages are asked for one after the other.
 */
export class SlowReaders {
  readonly #clients: { close(): void }[] = [];
  readonly #stop = new AbortController();
  #pages = 0;
  #messages = 0;

  private constructor() {}

  /** Settles once each of them has had its first word. */
  static async open(node: string, runId: string): Promise<SlowReaders> {
    const readers = new SlowReaders();
    for (let i = 0; i < OF_EACH; i++) await readers.#open(node, runId);
    return readers;
  }

  /** Pages and messages that were read so far, slowly. */
  get read(): { readonly pages: number; readonly messages: number } {
    return { pages: this.#pages, messages: this.#messages };
  }

  close(): void {
    this.#stop.abort();
    for (const client of this.#clients) client.close();
  }

  async #open(node: string, runId: string): Promise<void> {
    const tests = this.#kept(makeClient(testEquipment, node));
    const monitor = this.#kept(makeClient(syncMonitor, node));
    const runs = this.#kept(makeClient(runService, node));
    const silent: AsyncIterable<unknown>[] = [
      tests.GetHistoricalTests({}),
      tests.WatchResults({}),
      monitor.WatchSyncStatus({}),
      monitor.WatchNode({}),
      runs.WatchRun({ run_id: runId }),
    ];
    for (const messages of silent) await messages[Symbol.asyncIterator]().next();
    const history = tests.GetHistoricalTests({})[Symbol.asyncIterator]();
    await history.next();
    this.#slowly(async () => {
      await history.next();
      this.#messages++;
    });
    let token = '';
    this.#slowly(async () => {
      const page = await monitor.ListWafers({ page_size: 1, page_token: token });
      token = page.next_page_token ?? '';
      this.#pages++;
    });
  }

  #kept<C extends { close(): void }>(client: C): C {
    this.#clients.push(client);
    return client;
  }

  /** Goes on, a step each turn of the loop, until it is over. */
  #slowly(step: () => Promise<void>): void {
    const run = async () => {
      while (!this.#stop.signal.aborted) {
        await step();
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    // What a client that is closed was waiting for fails.
    run().catch(() => {});
  }
}
