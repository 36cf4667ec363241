import { compressionAlgorithms, type ServiceError } from '@grpc/grpc-js';
import { WafersyncError } from '../errors.ts';
import type { wafersync } from '../gen/wafersync.js';
import { testEquipment } from '../wire/services.ts';
import { CODE_TRAILER, GrpcCode } from '../wire/status.ts';
import { makeClient } from './client.ts';
import { fromMetadata, fromStatusObject } from './metadata.ts';
import {
  fromAck,
  type IncomingAck,
  type OutgoingBatch,
  type OutgoingTest,
  toMessage,
  toOpening,
} from './tester-messages.ts';

/** What a call tells whoever opened it. */
export interface TesterCallHandlers {
  ack(ack: IncomingAck): void;
  /** There is room again after {@link TesterCall.send} said that there was none. */
  writable(): void;
  /** The call is over; null where the node ended it well. Nothing is told afterwards. */
  ended(error: WafersyncError | null): void;
}

/** One call of SyncTestData. */
export interface TesterCall {
  /**
   * Sends tests that take the next numbers, and results; with null it opens the stream, which is acknowledged at once.
   * @returns whether there is room for more; what was given is sent in any case
   */
  send(define: readonly OutgoingTest[], batch: OutgoingBatch | null): boolean;
  /** Ends this side. */
  end(): void;
  /** Gives the call up; its handlers hear nothing more. */
  cancel(): void;
}

/** Opens a call. What fails is told by `ended`, and not before this has returned. */
export type OpenTesterCall = (handlers: TesterCallHandlers) => TesterCall;

/** Which stream, and how it is sent. */
export interface TesterCallOptions {
  /** host:port of the node. */
  readonly node: string;
  readonly equipmentId: string;
  readonly streamId: string;
  /** Whether its verdicts are marked final. */
  readonly final: boolean;
  /** Whether messages are compressed. */
  readonly gzip: boolean;
}

/** Opens calls over gRPC, each on a connection of its own: how soon one is tried again is the caller's to say. */
export function grpcTesterCalls(options: TesterCallOptions): OpenTesterCall {
  const { node, equipmentId, streamId, final, gzip } = options;
  const names = { equipment_id: equipmentId, stream_id: streamId, final_run: final };
  const algorithm = gzip ? compressionAlgorithms.gzip : compressionAlgorithms.identity;
  return (handlers) => {
    const client = makeClient(testEquipment, node, { 'grpc.default_compression_algorithm': algorithm });
    const { raw } = client.SyncTestData();
    let over = false;
    const end = (error: WafersyncError | null) => {
      if (over) return;
      over = true;
      client.close();
      handlers.ended(error);
    };
    const guarded = (handle: () => void) => {
      if (over) return;
      try {
        handle();
      } catch (thrown) {
        raw.cancel();
        end(WafersyncError.from(thrown));
      }
    };
    raw.on('data', (ack: wafersync.v1.TestAck) => guarded(() => handlers.ack(fromAck(ack))));
    raw.on('drain', () => guarded(() => handlers.writable()));
    raw.on('error', (status: ServiceError) => end(failureOf(status, node)));
    raw.on('end', () => end(null));
    return {
      send: (define, batch) => raw.write(batch ? toMessage(names, define, batch) : toOpening(names, define)),
      end: () => raw.end(),
      cancel: () => {
        over = true;
        raw.cancel();
        client.close();
      },
    };
  };
}

/** Statuses of the library, or of something between, that may be others at the next try. */
const PASSING: ReadonlySet<number> = new Set([
  GrpcCode.CANCELLED,
  GrpcCode.UNKNOWN,
  GrpcCode.DEADLINE_EXCEEDED,
  GrpcCode.INTERNAL,
  GrpcCode.UNAVAILABLE,
]);

/** What grpc-js says of a call that never had a connection. */
const NEVER_CONNECTED = /^(No connection established|Name resolution failed)|\bECONNREFUSED\b/;

function failureOf(status: ServiceError, node: string): WafersyncError {
  const error = fromStatusObject(status, status);
  if (fromMetadata(status.metadata)[CODE_TRAILER] !== undefined) return error;
  if (status.code === GrpcCode.UNIMPLEMENTED) {
    return new WafersyncError('precondition', `the node at ${node} takes no streams with acknowledgements`, {
      hint: 'Upgrade it, or correct the address.',
      cause: status,
    });
  }
  const code = PASSING.has(status.code) ? 'unavailable' : error.code;
  const reason = /\bE[A-Z]{3,}\b/.exec(status.details)?.[0];
  const what = NEVER_CONNECTED.test(status.details)
    ? `no node answers at ${node}`
    : `the connection to the node at ${node} was lost`;
  return new WafersyncError(code, reason ? `${what} (${reason})` : what, {
    hint: 'Check that a node runs there.',
    cause: status,
  });
}
