import {
  type ChannelOptions,
  Client,
  type ClientDuplexStream,
  credentials,
  Metadata,
  type StatusObject,
} from '@grpc/grpc-js';
import type { FabId, Origin } from '../../clocks/dot.ts';
import { formatEpoch } from '../../clocks/dot.ts';
import { WafersyncError } from '../../errors.ts';
import { dataSync } from '../../wire/services.ts';
import { fromStatus } from '../../wire/status.ts';
import type { Cancel, World } from '../../world.ts';
import { PROTOCOL_VERSION } from '../messages.ts';
import { unlessConnected } from './connecting.ts';
import { grpcStream } from './grpc-stream.ts';
import {
  fromPullRequest,
  fromSyncStatus,
  fromWaferUpdate,
  toPullRequest,
  toWaferUpdate,
} from './lane-codec.ts';
import type { Stream, Transport } from './transport.ts';

/** Metadata by which a dialling node names itself. A client without it is no peer. */
export const PEER_FAB = 'wafersync-fab';
/** Metadata: epoch of the dialling node's database. */
export const PEER_EPOCH = 'wafersync-epoch';
/** Metadata: protocol version that the dialling node speaks. */
export const PEER_PROTOCOL = 'wafersync-protocol';

/** Who dials, whom, and how. */
export interface GrpcTransportOptions {
  /** This node, as it is when it dials. */
  readonly self: () => Origin;
  /** host:port of a peer when it is dialled; null where none is known. */
  readonly addressOf: (peer: FabId) => string | null;
  readonly world: Pick<World, 'after'>;
  /** How often a silent connection is probed. */
  readonly keepaliveMs: number;
  /** How long a probe may go unanswered before the connection counts as lost. */
  readonly keepaliveTimeoutMs: number;
  /** HTTP/2 window of catch-up connections, bytes. Only the side that dials can set it, which is why it pulls. */
  readonly catchUpWindowBytes: number;
  /** Largest message, bytes. */
  readonly maxMessageBytes: number;
}

/** Dials peers over gRPC: for each a connection for live data, and another to catch up. */
export function grpcTransport(options: GrpcTransportOptions): Transport {
  /** Each with what gives up waiting for its connection. */
  const open = new Map<Client, Cancel>();
  const dial = (peer: FabId, extra: ChannelOptions): Dialled => {
    const address = options.addressOf(peer);
    if (!address) throw new WafersyncError('internal', `no address of ${peer} is known`);
    const client = new Client(address, credentials.createInsecure(), {
      ...channelOptions(options),
      ...extra,
    });
    open.set(client, () => {});
    return { client, peer, address };
  };
  const hangUp = (client: Client, call: { cancel(): void }) => {
    open.get(client)?.();
    open.delete(client);
    call.cancel();
    client.close();
  };
  const bidi = <Out, In>(client: Client, method: BidiMethod<Out, In>): ClientDuplexStream<Out, In> =>
    client.makeBidiStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      peerMetadata(options.self()),
    );
  /** A stream that ends where its connection does not come about. */
  const bounded = <Out>(dialled: Dialled, stream: Stream<Out>): Stream<Out> => {
    const connecting = { ...dialled, world: options.world, withinMs: connectWithinMs(options) };
    const cancel = unlessConnected(connecting, (error) => stream.close(error));
    if (open.has(dialled.client)) open.set(dialled.client, cancel);
    else cancel();
    return stream;
  };
  return {
    dialLive(peer, handlers) {
      const dialled = dial(peer, {});
      const call = bidi(dialled.client, dataSync.methods.SyncWaferData);
      const end = () => hangUp(dialled.client, call);
      const codec = { decode: fromSyncStatus, encode: toWaferUpdate, failure, end };
      return bounded(dialled, grpcStream(call, codec, handlers));
    },
    dialPull(peer, handlers) {
      const dialled = dial(peer, { 'grpc-node.flow_control_window': options.catchUpWindowBytes });
      const call = bidi(dialled.client, dataSync.methods.PullWaferData);
      const end = () => hangUp(dialled.client, call);
      const codec = { decode: fromWaferUpdate, encode: toPullRequest, failure, end };
      return bounded(dialled, grpcStream(call, codec, handlers));
    },
    dialOffer(peer, handlers) {
      const dialled = dial(peer, {});
      const call = bidi(dialled.client, dataSync.methods.OfferWaferData);
      const end = () => hangUp(dialled.client, call);
      const codec = { decode: fromPullRequest, encode: toWaferUpdate, failure, end };
      return bounded(dialled, grpcStream(call, codec, handlers));
    },
    close() {
      for (const [client, cancel] of open) {
        cancel();
        client.close();
      }
      open.clear();
    },
  };
}

/** A peer that was dialled. */
interface Dialled {
  readonly client: Client;
  readonly peer: FabId;
  /** host:port. */
  readonly address: string;
}

/** How long a connection may take to come about, milliseconds: as long as one that is there may say nothing. */
export function connectWithinMs({ keepaliveMs, keepaliveTimeoutMs }: GrpcTransportOptions): number {
  return keepaliveMs + keepaliveTimeoutMs;
}

/** The part of a method that a raw client needs. */
interface BidiMethod<Out, In> {
  readonly path: string;
  requestSerialize(message: Out): Buffer;
  responseDeserialize(bytes: Buffer): In;
}

/** Metadata by which a node names itself to a peer. */
export function peerMetadata(self: Origin): Metadata {
  const metadata = new Metadata();
  metadata.set(PEER_FAB, self.fab);
  metadata.set(PEER_EPOCH, formatEpoch(self.epoch));
  metadata.set(PEER_PROTOCOL, String(PROTOCOL_VERSION));
  return metadata;
}

/** How peers are dialled. */
export function channelOptions(options: GrpcTransportOptions): ChannelOptions {
  return {
    // A pool of its own: otherwise grpc-js lets lanes to one address share a connection, and its window.
    'grpc.use_local_subchannel_pool': 1,
    'grpc.keepalive_time_ms': options.keepaliveMs,
    'grpc.keepalive_timeout_ms': options.keepaliveTimeoutMs,
    'grpc.keepalive_permit_without_calls': 0,
    'grpc.max_receive_message_length': options.maxMessageBytes,
    'grpc.max_send_message_length': options.maxMessageBytes,
    // The mesh dials again by its own, jittered backoff.
    'grpc.enable_retries': 0,
    // Otherwise up to 1 MiB a call hides in the library's retry buffer, and write() is not honest.
    'grpc.per_rpc_retry_buffer_size': 0,
    'grpc.service_config_disable_resolution': 1,
    'grpc.enable_http_proxy': 0,
  };
}

/** Error of a call that a peer or the library ended. */
export function failure(error: unknown): WafersyncError {
  const { code = 2, details = String(error), metadata } = error as Partial<StatusObject>;
  const trailers = Object.fromEntries(
    Object.entries(metadata?.getMap() ?? {}).map(([name, value]) => [name, String(value)]),
  );
  return fromStatus({ code, details, trailers }, error);
}
