import type { wafersync } from '../gen/wafersync.js';
import { StreamIntake, type StreamParts } from '../ingest/stream/stream-intake.ts';
import type { SpanRef } from '../wafer/intake.ts';
import { type Closings, takeStream, toAck } from './take-results.ts';

type TestResult = wafersync.v1.TestResult.$Properties;
type TestAck = wafersync.v1.TestAck.$Properties;

/**
 * Takes a stream and acknowledges it as it becomes durable: whenever batches have been committed, and once more at its
 * end. Acknowledgements are totals: while the client takes none, they become one, so that nothing is kept for it.
 * @param caller span that the tester named for its call
 * @throws WafersyncError after a last acknowledgement of what is durable nevertheless
 */
export async function* syncTestData(
  parts: StreamParts,
  messages: AsyncIterable<TestResult>,
  closings?: Closings,
  caller: SpanRef | null = null,
): AsyncGenerator<TestAck, void, void> {
  const news = new News();
  const intake = new StreamIntake(parts, { progressed: () => news.tell(), caller });
  const taken = takeStream(intake, messages, closings).finally(() => news.end());
  // It is awaited at the end; what it fails with must not count as unhandled until then.
  taken.catch(() => {});
  try {
    while (await news.next()) yield toAck(intake.progress);
    yield toAck(await taken.catch(() => intake.progress));
    await taken;
  } finally {
    // Where the client is gone nobody asks for more: the iteration of its messages ends by the call's signal.
    await taken.catch(() => {});
  }
}

/** Says that there is something new. What comes while nobody asks is told once. */
class News {
  #fresh = false;
  #ended = false;
  #wake = () => {};

  tell(): void {
    this.#fresh = true;
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** Waits for something new; false at the end, where what is new besides is not told any more. */
  async next(): Promise<boolean> {
    while (!this.#fresh && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#fresh = false;
    return !this.#ended;
  }
}
