import type { FabId } from '../../src/clocks/dot.ts';
import { HybridClock } from '../../src/clocks/hlc.ts';
import { WafersyncError } from '../../src/errors.ts';
import type { Log } from '../../src/log.ts';
import { DamageWatch } from '../../src/replica/damage-watch.ts';
import { HeldWatch } from '../../src/replica/held-watch.ts';
import { Replica } from '../../src/replica/replica.ts';
import { StorageWatch } from '../../src/replica/storage-watch.ts';
import { Store } from '../../src/store/store.ts';
import type { Decoders } from '../../src/store/types.ts';
import { FabControl } from '../../src/sync/fab-control.ts';
import { Membership, mustHaveApplied } from '../../src/sync/membership.ts';
import type { PullRequest } from '../../src/sync/messages.ts';
import { answererOf, PullAnswers } from '../../src/sync/pull-server.ts';
import { Retention } from '../../src/sync/retention.ts';
import { type Carrier, SyncRunner, type SyncRunnerOptions } from '../../src/sync/sync-runner.ts';
import type { toWaferUpdate } from '../../src/sync/transport/lane-codec.ts';
import type {
  IncomingLaneMessage,
  Stream,
  StreamHandlers,
  Transport,
} from '../../src/sync/transport/transport.ts';
import type { ConfiguredFabs } from '../../src/wafer/document/members.ts';
import { decoders } from '../../src/wire/decoders.ts';
import type { ProcessWorld } from './clock.ts';
import type { Answering, Dialling } from './network.ts';

type LaneMessage = Parameters<typeof toWaferUpdate>[0];

/** Settings of a node that a seed chooses. */
export interface NodeSettings extends Pick<SyncRunnerOptions, 'window' | 'catchUp' | 'reconnect'> {
  readonly heartbeatMs: number;
  readonly maxClockDriftMs: number;
  readonly groupCommitMs: number;
}

/** What a process is made of. */
export interface ProcessOptions {
  readonly fab: FabId;
  /** What its configuration says of fabs. */
  readonly configured: ConfiguredFabs;
  readonly file: string;
  /** Which file it is, as its volume tells. */
  readonly identify: () => string;
  readonly world: ProcessWorld;
  readonly settings: NodeSettings;
  readonly transport: (process: Dialling) => Transport;
  readonly log: Log;
  /** Kinds of updates that this version does not know yet. */
  readonly unknownKinds: ReadonlySet<string>;
  /** Runs each write transaction; where a crash is planned, it happens around it. */
  readonly commit: (transaction: () => unknown) => unknown;
  /** Between opening the database and beginning to work with it. */
  readonly opened: (store: Store) => void;
}

/** One life of one node: the product's own parts, composed as the product composes them. */
export class NodeProcess implements Answering {
  readonly fab: FabId;
  readonly store: Store;
  readonly replica: Replica<Carrier>;
  readonly sync: SyncRunner;
  readonly membership: Membership;
  /** What an operator of the fab says of fabs. */
  readonly fabs: FabControl;
  readonly world: ProcessWorld;
  readonly retention: Retention;
  readonly #storage: StorageWatch;
  readonly #held: HeldWatch;
  readonly #damage: DamageWatch;
  readonly #unknownKinds: ReadonlySet<string>;

  constructor(options: ProcessOptions) {
    const { fab, world, settings, log } = options;
    this.#unknownKinds = options.unknownKinds;
    this.fab = fab;
    this.world = world;
    const { file, identify } = options;
    const store = Store.open({ file, identify, fab, world, decoders: decodersOf(options.unknownKinds) });
    this.store = store;
    options.opened(store);
    const transaction = store.transaction.bind(store);
    store.transaction = (work) => options.commit(() => transaction(work)) as ReturnType<typeof work>;
    this.replica = new Replica<Carrier>({
      store,
      clock: new HybridClock(() => world.nowMs(), store.lastTimestamp()),
      world,
      queue: {
        groupCommitMs: settings.groupCommitMs,
        groupBytes: 64 * 1024,
        maxQueueBytes: 4 * 1024 * 1024,
      },
      maxClockDriftMs: settings.maxClockDriftMs,
    });
    const { replica } = this;
    this.#storage = new StorageWatch({ replica, world, log });
    this.#damage = new DamageWatch({ replica, store, log });
    this.#held = new HeldWatch({
      ...{ replica, store, storage: this.#storage.changes, world, log },
      maxClockDriftMs: settings.maxClockDriftMs,
    });
    this.membership = new Membership({
      ...{ self: fab, configured: options.configured, store, commits: replica.commits, log },
    });
    this.sync = new SyncRunner({
      ...settings,
      ...{
        replica,
        store,
        world,
        log,
        transport: options.transport(this),
        peers: this.membership.dialled(),
      },
    });
    const { sync, membership } = this;
    this.fabs = new FabControl({ store, replica, sync, membership, world, pauses: { of: () => null } });
    this.retention = new Retention({
      ...{ store, replica, world, log, valuesDays: 0 },
      members: () => this.mustHaveApplied(),
      reports: () => sync.reports(),
      suspected: () => sync.suspected(),
      clocks: () => sync.clocks.ahead(),
      maxClockDriftMs: settings.maxClockDriftMs,
    });
    this.#storage.changes.subscribe((full) => this.sync.storage(full));
  }

  start(): void {
    this.#held.start();
    this.sync.start();
    this.membership.changes.subscribe((moved) => this.sync.dialOnly(this.membership.dialled(), moved));
    this.sync.dialOnly(this.membership.dialled());
  }

  /** Whom a purge of its operators waits for. */
  mustHaveApplied(): FabId[] {
    return mustHaveApplied(this.membership, this.sync.reports(), this.store.vectors.received);
  }

  nowMs(): number {
    return this.world.nowMs();
  }

  read(message: IncomingLaneMessage): IncomingLaneMessage {
    if (message.type !== 'update' || !this.#unknownKinds.has(message.update.header.kind)) return message;
    const header = { ...message.update.header, kind: 'unknown' as const };
    return { type: 'update', update: { ...message.update, header } };
  }

  /** Whether its version knows a kind of updates. */
  knows(kind: string): boolean {
    return !this.#unknownKinds.has(kind);
  }

  get takesStubs(): boolean {
    return this.knows('purge');
  }

  get full(): boolean {
    return this.#storage.view().full;
  }

  readonly acceptLive: Answering['acceptLive'] = (peer, connect) => {
    if (this.#knows(peer)) this.sync.acceptLive(peer, connect);
    else connect(NOBODY_LISTENS).close(stranger(peer));
  };

  readonly acceptOffer: Answering['acceptOffer'] = (peer, connect) => {
    if (this.#knows(peer)) this.sync.acceptOffer(peer, connect);
    else connect(NOBODY_LISTENS).close(stranger(peer));
  };

  #knows(peer: FabId): boolean {
    return this.membership.stateOf(peer) !== null;
  }

  /** Requests are answered one by one, as fast as the stream takes the answers. */
  acceptPull(connect: (handlers: StreamHandlers<PullRequest>) => Stream<LaneMessage>): void {
    const answers = new PullAnswers(answererOf(this.store), (message) => stream.send(message));
    const stream = connect({
      message: (request) => answers.request(request),
      writable: () => answers.writable(),
      down: () => {},
    });
  }

  /** Ends in an orderly way. */
  async stop(): Promise<void> {
    this.#held.stop();
    this.#damage.stop();
    this.retention.stop();
    const stopped = this.sync.stop();
    this.#storage.stop();
    // What the last reports wait for is the commit that closing makes.
    this.replica.close();
    await stopped;
    this.store.close();
  }
}

const NOBODY_LISTENS = { message: () => {}, writable: () => {}, down: () => {} };

function stranger(peer: FabId): WafersyncError {
  return new WafersyncError('precondition', `${peer} is not a member of this mesh`);
}

/** The product's decoders, of a version that does not know some kinds of updates. */
function decodersOf(unknownKinds: ReadonlySet<string>): Decoders {
  return {
    ...decoders,
    decodeHeader: (bytes) => {
      const header = decoders.decodeHeader(bytes);
      return unknownKinds.has(header.kind) ? { ...header, kind: 'unknown' } : header;
    },
  };
}
