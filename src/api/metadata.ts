import type { EventEmitter } from 'node:events';
import { Metadata, type StatusObject } from '@grpc/grpc-js';
import type { WafersyncError } from '../errors.ts';
import { fromStatus, type RpcStatus, toStatus } from '../wire/status.ts';

/** Metadata that names a call in the logs of both sides. */
export const REQUEST_ID = 'x-request-id';

/** What all calls of grpc-js have on the serving side. Emits `cancelled` when the call is over. */
export interface ServerCall extends EventEmitter {
  readonly cancelled: boolean;
  readonly metadata: Metadata;
  getPeer(): string;
}

/** Metadata of plain values. They must be printable ASCII. */
export function toMetadata(values: Readonly<Record<string, string>>): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(values)) metadata.set(name, value);
  return metadata;
}

/** The text values of metadata; of a repeated one, the first. Binary values are left out. */
export function fromMetadata(metadata: Metadata | undefined | null): Record<string, string> {
  const texts = Object.entries(metadata?.getMap() ?? {}).filter(([, value]) => typeof value === 'string');
  return Object.fromEntries(texts) as Record<string, string>;
}

/** How grpc-js takes a status. */
export function toStatusObject(status: RpcStatus): StatusObject {
  return { code: status.code, details: status.details, metadata: toMetadata(status.trailers) };
}

/** The error that grpc-js handlers answer with; `cause` is what was thrown. */
export type HandlerError = Error & StatusObject;

/** Error for a grpc-js callback, or for `emit('error', …)` on a stream. */
export function toHandlerError(thrown: unknown): HandlerError {
  const status = toStatus(thrown);
  return Object.assign(new Error(status.details, { cause: thrown }), toStatusObject(status));
}

/** Error of a status that a client was given. */
export function fromStatusObject(status: Partial<StatusObject>, cause?: unknown): WafersyncError {
  const { code = 2, details = '', metadata } = status;
  return fromStatus({ code, details, trailers: fromMetadata(metadata) }, cause);
}
