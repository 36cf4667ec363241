import type { handleBidiStreamingCall } from '@grpc/grpc-js';
import { type FabId, fabId } from '../clocks/dot.ts';
import type { WafersyncError } from '../errors.ts';
import type { Membership } from '../sync/membership.ts';
import { fromQuestion, toAnswer, toFinding } from '../sync/transport/digest-codec.ts';
import type { PeerResult, PeerVerification, Verifier, VerifyEvent } from '../sync/verify/verifier.ts';
import { fromNumber } from '../wire/long.ts';
import type { Message } from '../wire/message.ts';
import type { verifyService } from '../wire/services.ts';
import { bidi, serverStream, unary } from './call.ts';
import { plainly, remedyOf } from './connection-words.ts';
import { peerOf } from './data-sync.ts';
import type { HandlersOf } from './handlers.ts';
import { toHandlerError } from './metadata.ts';

/** What the service is made of. */
export interface VerifyServiceOptions {
  readonly self: FabId;
  readonly membership: Pick<Membership, 'fabs' | 'members' | 'stateOf' | 'addressOf'>;
  readonly verifier: Pick<Verifier, 'verify' | 'answer' | 'view'>;
}

/** Reading everything takes its time, in which nothing is said or taken. */
export const VERIFY_POLICIES = {
  CompareDigests: { idleMs: 'unlimited', stallMs: 'unlimited', subscription: true },
} as const;

type CompareCall = handleBidiStreamingCall<
  Message<'CompareDigestsRequest'>,
  Message<'CompareDigestsResponse'>
>;

/** Handlers of VerifyService. */
export function verifyServiceHandlers(
  options: VerifyServiceOptions,
): HandlersOf<typeof verifyService.methods> {
  const { verifier, self } = options;
  const compare: CompareCall = bidi((requests, { signal }) =>
    mapAsync(verifier.answer(mapAsync(requests, fromQuestion), signal), (answer) => toAnswer(answer, self)),
  );
  return {
    Verify: serverStream((request: Message<'VerifyRequest'>, { signal }) =>
      verification(options, request, signal),
    ),
    GetVerification: unary<Message<'GetVerificationRequest'>, Message<'GetVerificationResponse'>>(() => {
      const { intervalH, allEqualMs, peers } = verifier.view();
      return {
        interval_h: intervalH,
        all_equal_us: toUs(allEqualMs),
        peers: peers.map((peer) => toVerification(peer, options)),
      };
    }),
    CompareDigests: (call) => {
      try {
        peerOf(options, call.metadata);
      } catch (thrown) {
        call.emit('error', toHandlerError(thrown));
        return;
      }
      compare(call);
    },
  };
}

/** Events of a verification as they happen; it goes on while the client takes them. */
async function* verification(
  options: VerifyServiceOptions,
  { fab_ids, no_repair }: Message<'VerifyRequest'>,
  signal: AbortSignal,
): AsyncGenerator<Message<'VerifyResponse'>> {
  const events: VerifyEvent[] = [];
  let wake = () => {};
  let over = false;
  const wish = { fabs: (fab_ids ?? []).map(fabId), repair: !no_repair, thoroughness: 'bytes' as const };
  const tell = (event: VerifyEvent) => {
    // Of how far it is, the latest counts.
    if (event.type === 'progress' && events.at(-1)?.type === 'progress') events.pop();
    events.push(event);
    wake();
  };
  const done = options.verifier.verify(wish, tell, signal);
  const end = () => {
    over = true;
    wake();
  };
  done.then(end, end);
  while (!over || events.length > 0) {
    const event = events.shift();
    if (event) yield toEvent(event, options);
    else {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }
  await done;
}

function toEvent(event: VerifyEvent, options: VerifyServiceOptions): Message<'VerifyResponse'> {
  if (event.type === 'progress')
    return { progress: { fab_id: event.fab, subjects: fromNumber(event.subjects) } };
  if (event.type === 'result') return { result: toResult(event.result, options) };
  const { fab, finding, peer } = event;
  return { finding: { ...toFinding(finding, fab ?? options.self), peer_fab_id: peer ?? '' } };
}

function toResult(result: PeerResult, { membership }: VerifyServiceOptions): Message<'VerifyResult'> {
  const { fab, wafers, subjects, onTheWay, different, repaired, notRepaired, bytes, error, more } = result;
  return {
    ...{ fab_id: fab, wafers: fromNumber(wafers), subjects: fromNumber(subjects) },
    equal: fromNumber(subjects - onTheWay - different),
    ...{ on_the_way: fromNumber(onTheWay), different: fromNumber(different) },
    ...{ repaired: fromNumber(repaired), not_repaired: fromNumber(notRepaired) },
    ...{
      bytes_exchanged: fromNumber(bytes),
      error: error ? notCompared(error, fab, membership.addressOf(fab)) : '',
      more,
    },
  };
}

/** Why a fab could not be compared, with the remedy. */
function notCompared(error: WafersyncError, fab: FabId, address: string | null): string {
  const remedy = error.hint || remedyOf(error.message, fab, address) || 'Verify again.';
  return `${plainly(error.message)}. ${remedy}`;
}

function toVerification(peer: PeerVerification, options: VerifyServiceOptions): Message<'PeerVerification'> {
  return {
    fab_id: peer.fab,
    looked_us: toUs(peer.lookedMs),
    equal_us: toUs(peer.equalMs),
    thorough: peer.thorough,
    ...(peer.last ? { last: toResult(peer.last, options) } : {}),
  };
}

function toUs(ms: number | null) {
  return fromNumber(Math.round((ms ?? 0) * 1000));
}

async function* mapAsync<In, Out>(items: AsyncIterable<In>, map: (item: In) => Out): AsyncGenerator<Out> {
  for await (const item of items) yield map(item);
}
