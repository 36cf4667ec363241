import { fabId } from '../clocks/dot.ts';
import { WafersyncError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import type { Drain } from '../sync/drain.ts';
import type { HeldControl } from '../sync/held-control.ts';
import type { PeerLimits } from '../sync/peer-limits.ts';
import type { PeerPauses } from '../sync/peer-pauses.ts';
import { toNumber } from '../wire/long.ts';
import type { Message } from '../wire/message.ts';
import type { syncControl } from '../wire/services.ts';
import { fromDot } from '../wire/vectors.ts';
import type { World } from '../world.ts';
import { authorOf, reasonedBy } from './authorship.ts';
import { type CallContext, serverStream, unary } from './call.ts';
import { onChange } from './changes.ts';
import type { HandlersOf } from './handlers.ts';
import type { Slots } from './slots.ts';
import {
  fromLanes,
  fromLimitWindow,
  listActs,
  toDrainResponse,
  toHeldUpdate,
  toPeerLimit,
  toPeerPause,
} from './steering-messages.ts';

/** What steering a node needs. */
export interface SteeringOptions {
  readonly store: Pick<Store, 'acts'>;
  readonly held: HeldControl;
  readonly pauses: PeerPauses;
  readonly limits: PeerLimits;
  readonly drain: Drain;
  readonly world: World;
  /** For subscriptions. */
  readonly slots: Slots;
}

/** Least time between two answers of Drain, milliseconds. */
const MIN_INTERVAL_MS = 100;

type Steering =
  | 'ReleaseHeld'
  | 'DropHeld'
  | 'PausePeer'
  | 'ResumePeer'
  | 'SetPeerLimit'
  | 'Drain'
  | 'CancelDrain'
  | 'ListActs';

/** Handlers of the methods of SyncControl that steer the asked node alone. */
export function steeringHandlers(
  options: SteeringOptions,
): Pick<HandlersOf<typeof syncControl.methods>, Steering> {
  const { store, held, pauses, limits, drain, slots } = options;
  return {
    ReleaseHeld: unary<Message<'ReleaseHeldRequest'>, Message<'ReleaseHeldResponse'>>(async (request) => {
      const hold = await held.release(dotOf(request.dot), reasonedBy(request));
      return { applied: hold === null, held: hold && toHeldUpdate(hold) };
    }),
    DropHeld: unary<Message<'DropHeldRequest'>, Message<'DropHeldResponse'>>(async (request) => ({
      held: toHeldUpdate(await held.drop(dotOf(request.dot), reasonedBy(request))),
    })),
    PausePeer: unary<Message<'PausePeerRequest'>, Message<'PausePeerResponse'>>(async (request) => {
      const fab = fabId(request.fab_id ?? '');
      const durationMs = toNumber(request.duration_ms, 'duration_ms');
      const author = reasonedBy(request);
      const { pause, replaced } = await pauses.pause(fab, fromLanes(request.lanes), durationMs, author);
      return { pause: toPeerPause(fab, pause), replaced: toPeerPause(fab, replaced) };
    }),
    ResumePeer: unary<Message<'ResumePeerRequest'>, Message<'ResumePeerResponse'>>(async (request) => {
      const fab = fabId(request.fab_id ?? '');
      return { ended: toPeerPause(fab, await pauses.resume(fab, authorOf(request))) };
    }),
    SetPeerLimit: unary<Message<'SetPeerLimitRequest'>, Message<'SetPeerLimitResponse'>>(async (request) => {
      const fab = fabId(request.fab_id ?? '');
      const bytesPerS = toNumber(request.bytes_per_s, 'bytes_per_s');
      const windows = (request.windows ?? []).map(fromLimitWindow);
      return { limit: toPeerLimit(fab, await limits.set(fab, bytesPerS, windows, reasonedBy(request))) };
    }),
    Drain: serverStream<Message<'DrainRequest'>, Message<'DrainResponse'>>((request, context) =>
      slots.during(() => drained(options, request, context)),
    ),
    CancelDrain: unary<Message<'CancelDrainRequest'>, Message<'CancelDrainResponse'>>(async (request) => ({
      was_draining: await drain.cancel(authorOf(request)),
    })),
    ListActs: unary<Message<'ListActsRequest'>, Message<'ListActsResponse'>>((request) =>
      listActs(store, request),
    ),
  };
}

/** How far the node is drained, until it is. */
async function* drained(
  { drain, world }: SteeringOptions,
  request: Message<'DrainRequest'>,
  { signal }: CallContext,
): AsyncGenerator<Message<'DrainResponse'>> {
  const fabs = (request.fab_ids ?? []).map((fab) => fabId(fab));
  const replaced = await drain.start(fabs, reasonedBy(request));
  let told = '';
  for await (const _ of onChange(drain.changes, world, MIN_INTERVAL_MS, signal)) {
    const progress = drain.progress(fabs);
    if (!progress) {
      throw new WafersyncError('conflict', 'the drain was cancelled: the node takes everything in again', {
        hint: '`wafersync acts` tells by whom, and why.',
      });
    }
    const text = JSON.stringify(progress);
    if (text === told) continue;
    told = text;
    yield toDrainResponse(progress, replaced);
    if (progress.drained) return;
  }
}

function dotOf(dot: Message<'Dot'> | null | undefined) {
  if (dot) return fromDot(dot);
  throw new WafersyncError('invalid', 'dot is missing', {
    hint: 'Give the dot of a held update, as ListHeld tells it.',
  });
}
