import { join } from 'node:path';
import type { TestContext } from 'node:test';
import Database from 'better-sqlite3';
import type { FabId } from '../../src/clocks/dot.ts';
import { TransportVector } from '../../src/clocks/transport-vector.ts';
import { WafersyncError } from '../../src/errors.ts';
import { wafersync } from '../../src/gen/wafersync.js';
import { DamageWatch } from '../../src/replica/damage-watch.ts';
import { fromAnswer, fromQuestion, toAnswer, toQuestion } from '../../src/sync/transport/digest-codec.ts';
import type { Answer, DigestPeer, Question } from '../../src/sync/verify/questions.ts';
import { Verifier, type VerifyEvent, type VerifyWish } from '../../src/sync/verify/verifier.ts';
import { settle } from '../replica/replica-fixture.ts';
import { quickFolder } from '../store/fixtures.ts';
import { DocumentFab } from './document-bench.ts';
import { Journal } from './grpc-client.ts';
import { ManualWorld } from './manual-world.ts';

const { CompareDigestsRequest, CompareDigestsResponse } = wafersync.v1;

/** A fab that verifies itself with others of this process; what goes between them goes as bytes. */
export class VerifyFab extends DocumentFab {
  readonly verifier: Verifier;
  readonly journal = new Journal();
  readonly file: string;
  readonly #others: readonly VerifyFab[];

  /** @param others those that it knows; it is known to none of them */
  constructor(t: TestContext, fab: string, others: VerifyFab[] = [], intervalH = 0, world = worldOf(others)) {
    const file = join(quickFolder(t), `${fab}.db`);
    super(t, fab, world, file);
    this.file = file;
    this.#others = others;
    const { store, replica } = this.bench;
    const damage = new DamageWatch({ replica, store, log: this.journal });
    t.after(() => damage.stop());
    this.verifier = new Verifier({
      ...{ store, replica: replica as never, world, log: this.journal, intervalH },
      self: fab as FabId,
      members: () => [store.origin.fab, ...others.map((other) => other.store.origin.fab)],
      dial: (peer) => this.#dial(peer),
      canDial: () => true,
      reports: () =>
        others.map(({ store: { origin, vectors } }) => {
          return { node: origin, number: 1, received: vectors.applied, held: TransportVector.empty };
        }),
    });
  }

  /** Changes the database as somebody with a shell would; tells how many rows. */
  change(sql: string): number {
    const db = new Database(this.file);
    try {
      db.pragma('foreign_keys = OFF');
      return db.prepare(sql).run().changes;
    } finally {
      db.close();
    }
  }

  /** Verifies with all others, and lets time pass meanwhile. @param during done at each moment of it */
  async verify(
    wish: Partial<VerifyWish> = {},
    during: () => void = () => {},
  ): Promise<{ results: Result[]; findings: string[] }> {
    const events: VerifyEvent[] = [];
    const all = { fabs: [], repair: true, thoroughness: 'bytes' as const, ...wish };
    await this.pump(
      this.verifier.verify(all, (event) => events.push(event), new AbortController().signal),
      during,
    );
    return {
      results: events.flatMap((event) => (event.type === 'result' ? [event.result] : [])),
      findings: events.flatMap((event) => {
        if (event.type !== 'finding') return [];
        const { problem, details, outcome } = event.finding;
        const what = details.map((detail) => detail.replace(/\.\d+-\w+:/, ':')).join(' ');
        return [`${event.fab} ${problem} ${what} ${outcome}`];
      }),
    };
  }

  /** Lets time pass until something is done. */
  async pump<T>(work: Promise<T>, during: () => void = () => {}): Promise<T> {
    let over = false;
    const end = () => {
      over = true;
    };
    work.then(end, end);
    while (!over) {
      await settle();
      during();
      this.bench.world.advance(5);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return work;
  }

  #dial(peer: FabId): DigestPeer {
    const other = this.#others.find(({ store }) => store.origin.fab === peer);
    if (!other) throw new WafersyncError('unavailable', `${peer} is away`);
    return new MemoryPeer(other);
  }
}

/** Those that verify each other live in one world. */
function worldOf([other]: readonly VerifyFab[]): ManualWorld {
  return other?.bench.world ?? new ManualWorld();
}

type Result = Extract<VerifyEvent, { type: 'result' }>['result'];

/** Another fab of this process. */
class MemoryPeer implements DigestPeer {
  bytes = 0;
  readonly #stop = new AbortController();
  readonly #fab: string;
  readonly #answers: AsyncGenerator<Answer>;
  #ask: (question: Question | null) => void = () => {};
  #asked: Promise<Question | null>;

  constructor({ verifier, store }: VerifyFab) {
    this.#fab = store.origin.fab;
    this.#asked = this.#next();
    this.#answers = verifier.answer(this.#questions(), this.#stop.signal);
  }

  async ask(question: Question, reading: (subjects: number) => void = () => {}): Promise<never> {
    const bytes = CompareDigestsRequest.encode(toQuestion(question)).finish();
    this.bytes += bytes.length;
    this.#ask(fromQuestion(CompareDigestsRequest.decode(bytes)));
    for (;;) {
      const answer = (await this.#answers.next()).value as Answer;
      const said = CompareDigestsResponse.encode(toAnswer(answer, this.#fab)).finish();
      this.bytes += said.length;
      const heard = fromAnswer(CompareDigestsResponse.decode(said));
      if (heard.type !== 'reading') return heard as never;
      reading(heard.subjects);
    }
  }

  close(): void {
    this.#stop.abort();
    this.#ask(null);
    void this.#answers.return(undefined);
  }

  async *#questions(): AsyncGenerator<Question> {
    for (;;) {
      const question = await this.#asked;
      if (!question) return;
      this.#asked = this.#next();
      yield question;
    }
  }

  #next(): Promise<Question | null> {
    return new Promise((resolve) => {
      this.#ask = resolve;
    });
  }
}
