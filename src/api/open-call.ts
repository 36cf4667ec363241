import type { ServerInterceptingCallInterface } from '@grpc/grpc-js';
import type { WafersyncError } from '../errors.ts';
import { toStatus } from '../wire/status.ts';
import type { CallBounds } from './call-policy.ts';
import { toStatusObject } from './metadata.ts';

/** A call that has not ended. */
export interface OpenCall {
  /** Request id: the client's, or minted here. */
  id: string;
  /** Such as `/wafersync.v1.RunService/GetRun`. */
  readonly path: string;
  /** Address and port of the client. */
  readonly client: string;
  readonly streaming: boolean;
  readonly bounds: CallBounds;
  /** World.steadyMs() when it began. */
  readonly startedMs: number;
  /** Messages from the client. */
  received: number;
  /** Messages to the client. */
  sent: number;
  /** How the call ended, as far as the node was the one who ended it. */
  status: { readonly code: number; readonly details: string } | null;
  /** Ends the call from this side. `code` overrides the error's own. */
  end(error: WafersyncError, code?: number): void;
}

/** The calls that are open. As many as connections times streams a connection, which the server bounds. */
export class OpenCalls {
  readonly #calls = new Set<OpenCall>();

  get size(): number {
    return this.#calls.size;
  }

  add(call: OpenCall): void {
    this.#calls.add(call);
  }

  delete(call: OpenCall): void {
    this.#calls.delete(call);
  }

  /** Ends all calls that `which` picks. */
  endAll(error: WafersyncError, which: (call: OpenCall) => boolean = () => true): void {
    for (const call of [...this.#calls].filter(which)) call.end(error);
  }
}

/**
 * Ends a call that its handler has not ended, and tells the handler at once.
 * grpc-js tells it only when the status has left, which it never does while the client takes no data;
 * a second status makes it tell the handler without waiting. The first one is what the client gets.
 */
export function endCall(call: ServerInterceptingCallInterface, error: WafersyncError, code?: number): void {
  const status = toStatusObject(toStatus(error, code));
  call.sendStatus(status);
  call.sendStatus(status);
}
