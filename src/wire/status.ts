import { type ErrorCode, WafersyncError } from '../errors.ts';

/** The status codes of gRPC. */
export const GrpcCode = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

/** Name of a status code, such as `NOT_FOUND`. */
export function grpcCodeName(code: number): string {
  return Object.entries(GrpcCode).find(([, value]) => value === code)?.[0] ?? `CODE_${code}`;
}

/** Trailing metadata that carries the code of a WafersyncError. */
export const CODE_TRAILER = 'wafersync-code';

/** Trailing metadata that carries its hint, percent-encoded as grpc-message is. */
export const HINT_TRAILER = 'wafersync-hint';

/** Most bytes that details, and that a hint, take on the wire. Clients refuse heads beyond some 8 KiB. */
export const MAX_TEXT_BYTES = 3072;

/** How a call ended. */
export interface RpcStatus {
  /** One of {@link GrpcCode}. */
  readonly code: number;
  /** What happened and what to do, for people. Well-formed, at most {@link MAX_TEXT_BYTES} percent-encoded. */
  readonly details: string;
  /** Trailing metadata: printable ASCII. */
  readonly trailers: Readonly<Record<string, string>>;
}

/**
 * `conflict` is ABORTED rather than ALREADY_EXISTS: the caller has to look again before it decides anew,
 * and gRPC tells clients not to repeat such a call as it stands.
 */
const OUTBOUND: Readonly<Record<ErrorCode, number>> = {
  invalid: GrpcCode.INVALID_ARGUMENT,
  'not-found': GrpcCode.NOT_FOUND,
  conflict: GrpcCode.ABORTED,
  exhausted: GrpcCode.RESOURCE_EXHAUSTED,
  unavailable: GrpcCode.UNAVAILABLE,
  precondition: GrpcCode.FAILED_PRECONDITION,
  damaged: GrpcCode.DATA_LOSS,
  cancelled: GrpcCode.CANCELLED,
  internal: GrpcCode.INTERNAL,
};

/** For statuses that carry no code of ours: made by a library, a proxy or another program. */
const INBOUND: Readonly<Record<number, ErrorCode>> = {
  [GrpcCode.CANCELLED]: 'cancelled',
  [GrpcCode.UNKNOWN]: 'internal',
  [GrpcCode.INVALID_ARGUMENT]: 'invalid',
  [GrpcCode.DEADLINE_EXCEEDED]: 'cancelled',
  [GrpcCode.NOT_FOUND]: 'not-found',
  [GrpcCode.ALREADY_EXISTS]: 'conflict',
  [GrpcCode.PERMISSION_DENIED]: 'precondition',
  [GrpcCode.RESOURCE_EXHAUSTED]: 'exhausted',
  [GrpcCode.FAILED_PRECONDITION]: 'precondition',
  [GrpcCode.ABORTED]: 'conflict',
  [GrpcCode.OUT_OF_RANGE]: 'invalid',
  [GrpcCode.UNIMPLEMENTED]: 'precondition',
  [GrpcCode.INTERNAL]: 'internal',
  [GrpcCode.UNAVAILABLE]: 'unavailable',
  [GrpcCode.DATA_LOSS]: 'damaged',
  [GrpcCode.UNAUTHENTICATED]: 'precondition',
};

/** Status of anything that was thrown. `code` overrides the mapped one, for DEADLINE_EXCEEDED. */
export function toStatus(thrown: unknown, code?: number): RpcStatus {
  const error = WafersyncError.from(thrown);
  const hint = clip(error.hint);
  const trailers: Record<string, string> = { [CODE_TRAILER]: error.code };
  if (hint) trailers[HINT_TRAILER] = toHeaderText(hint);
  return { code: code ?? OUTBOUND[error.code], details: clip(error.line), trailers };
}

/** Error of a status that is not OK: the same code, message and hint that {@link toStatus} was given. */
export function fromStatus(status: RpcStatus, cause?: unknown): WafersyncError {
  const named = status.trailers[CODE_TRAILER];
  const code = isErrorCode(named) ? named : (INBOUND[status.code] ?? 'internal');
  const hint = fromHeaderText(status.trailers[HINT_TRAILER] ?? '');
  const suffix = `. ${hint}`;
  const message =
    hint && status.details.endsWith(suffix) ? status.details.slice(0, -suffix.length) : status.details;
  return new WafersyncError(code, message, { hint, ...(cause === undefined ? {} : { cause }) });
}

function isErrorCode(text: string | undefined): text is ErrorCode {
  return text !== undefined && Object.hasOwn(OUTBOUND, text);
}

/** Text as a metadata value: what is not printable ASCII, `%` and outer spaces are percent-encoded. */
export function toHeaderText(text: string): string {
  return text
    .toWellFormed()
    .replace(/[^\x20-\x24\x26-\x7e]+/gu, encodeURIComponent)
    .replace(/^ | $/g, '%20');
}

/** Text of a metadata value; one that is not well encoded stays as it is. */
export function fromHeaderText(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    // URIError: the value came from a program that does not encode.
    return value;
  }
}

/** Well-formed text of bounded encoded length: encodeURI throws on lone surrogates, and heads are bounded. */
function clip(text: string): string {
  const whole = text.slice(0, MAX_TEXT_BYTES).toWellFormed();
  if (whole.length === text.length && encodeURI(whole).length <= MAX_TEXT_BYTES) return whole;
  const ellipsis = '…';
  let room = MAX_TEXT_BYTES - encodeURI(ellipsis).length;
  let end = 0;
  for (const character of whole) {
    room -= encodeURI(character).length;
    if (room < 0) break;
    end += character.length;
  }
  return whole.slice(0, end) + ellipsis;
}
