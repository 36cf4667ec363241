import type { Chain } from '../clocks/chain.ts';
import { TransportVector } from '../clocks/transport-vector.ts';
import { WafersyncError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import type { ProgramDigest } from '../wafer/program.ts';
import { type Update, updateBytes } from '../wafer/update.ts';
import type { ChainQuery, LaneMessage, PullRequest } from './messages.ts';

/** Most bytes that one answer holds, whatever was asked for. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

/** Programs remembered as sent on a lane; past it all are forgotten, and some go out a second time. */
const SENT_PROGRAMS_MAX = 4096;

/** What is asked. */
export type AnswerableStore = Pick<Store, 'log' | 'programs' | 'vectors' | 'chains' | 'purges'>;

/** Answers the requests of one catch-up lane, one after the other, as fast as the lane takes them. */
export async function* answerPulls(
  store: AnswerableStore,
  requests: AsyncIterable<PullRequest>,
): AsyncGenerator<LaneMessage> {
  const sent = new Set<ProgramDigest>();
  for await (const request of requests) yield* answer(store, request, sent);
}

/** Requests of one stream that may wait. A peer has a few under way, which it bounds itself. */
const MAX_WAITING = 64;

/** Answers one request. */
export type Answerer = (request: PullRequest) => Iterable<LaneMessage>;

/** An answerer for one stream: a program that was sent on it is not sent again. */
export function answererOf(store: AnswerableStore): Answerer {
  const sent = new Set<ProgramDigest>();
  return (request) => answer(store, request, sent);
}

/** Answers the requests of a stream, one after the other, as fast as the stream takes it. */
export class PullAnswers {
  readonly #answer: Answerer;
  readonly #send: (message: LaneMessage) => boolean;
  readonly #waiting: PullRequest[] = [];
  #current: Iterator<LaneMessage> | null = null;
  #writable = true;

  /** @param send hands a message to the stream; false: no more until {@link writable} */
  constructor(answer: Answerer, send: (message: LaneMessage) => boolean) {
    this.#answer = answer;
    this.#send = send;
  }

  /** The peer asks. @throws WafersyncError `exhausted` where it asks for more at once than anybody needs to */
  request(request: PullRequest): void {
    if (this.#waiting.length >= MAX_WAITING) {
      throw new WafersyncError('exhausted', `${MAX_WAITING} requests wait already`);
    }
    this.#waiting.push(request);
    this.#pump();
  }

  /** The stream takes messages again. */
  writable(): void {
    this.#writable = true;
    this.#pump();
  }

  #pump(): void {
    while (this.#writable) {
      const request = this.#current ? undefined : this.#waiting.shift();
      if (request) this.#current = this.#answer(request)[Symbol.iterator]();
      const next = this.#current?.next();
      if (!next) return;
      if (next.done) this.#current = null;
      else this.#writable = this.#send(next.value);
    }
  }
}

function* answer(
  store: AnswerableStore,
  request: PullRequest,
  sent: Set<ProgramDigest>,
): Generator<LaneMessage> {
  const missingPrograms: ProgramDigest[] = [];
  for (const digest of request.programs) {
    const program = programOf(store, digest, sent);
    if (program) yield program;
    else missingPrograms.push(digest);
  }
  const withheld = withheldFrom(store, request);
  const wanted = request.wanted.difference(withheld);
  for (const update of wantedUpdates(store, { ...request, wanted })) {
    const { program } = update.header;
    if (program !== null && !sent.has(program)) {
      const message = programOf(store, program, sent);
      if (message) yield message;
    }
    yield { type: 'update', update };
  }
  const unavailable = request.wanted.difference(store.vectors.received).join(withheld);
  const chains = chainsOf(store, request.chains ?? []);
  yield { type: 'pull-end', end: { id: request.id, unavailable, missingPrograms, chains } };
}

/** Stubs that the asking node has no use for: no purge that it has applied names them. */
function withheldFrom({ log, purges }: AnswerableStore, request: PullRequest): TransportVector {
  const stubs = log.stubsAmong(request.wanted);
  if (stubs.isEmpty) return stubs;
  return stubs.difference(purges.namedBy(request.applied ?? TransportVector.empty, stubs));
}

function chainsOf({ chains }: AnswerableStore, queries: readonly ChainQuery[]): Chain[] {
  return queries.flatMap(({ origin, heights }) =>
    heights.flatMap((height) => {
      const hash = chains.at(origin, height);
      return hash === null ? [] : [{ origin, height, hash }];
    }),
  );
}

/** Updates to answer with: newest first, every origin its share of the bytes. */
function wantedUpdates(store: Pick<Store, 'log'>, request: PullRequest): Update[] {
  const budget = Math.min(request.maxBytes, MAX_ANSWER_BYTES);
  const entries = request.wanted.entries();
  const updates: Update[] = [];
  let left = budget;
  for (const [i, [origin, set]] of entries.entries()) {
    if (left <= 0 && updates.length > 0) break;
    const share = Math.floor(left / (entries.length - i));
    const read = store.log.read(origin, set, share);
    for (const update of read) left -= updateBytes(update);
    updates.push(...read);
  }
  return updates;
}

function programOf(
  store: Pick<Store, 'programs'>,
  digest: ProgramDigest,
  sent: Set<ProgramDigest>,
): LaneMessage | null {
  const body = store.programs.get(digest);
  if (!body) return null;
  if (sent.size >= SENT_PROGRAMS_MAX) sent.clear();
  sent.add(digest);
  return { type: 'program', digest, body };
}
