/** Largest message that is taken or sent, bytes. */
export const MAX_MESSAGE_BYTES = 8 * 1024 * 1024;

/** Bounds on one method's calls. What is absent takes the server's default. */
export interface MethodPolicy {
  /** Unary: how long the work may take where the caller set no deadline, milliseconds. */
  readonly deadlineMs?: number;
  /** Streams: how long the client may send nothing while the node waits for it, milliseconds. */
  readonly idleMs?: number | 'unlimited';
  /** Streams: how long the client may leave a message untaken, milliseconds. */
  readonly stallMs?: number | 'unlimited';
  /** Whether the client waits for news for as long as it likes: no idle limit, and ended first when the node stops. */
  readonly subscription?: boolean;
  /** Whether a call that ended well is logged at debug level: for methods that machines call all the time. */
  readonly quiet?: boolean;
}

/** Bounds with nothing absent. */
export interface CallBounds {
  readonly deadlineMs: number;
  readonly idleMs: number;
  readonly stallMs: number;
  readonly subscription: boolean;
  readonly quiet: boolean;
}

/** What applies to a method that says nothing. */
export const DEFAULT_BOUNDS: CallBounds = {
  deadlineMs: 30_000,
  idleMs: 60_000,
  stallMs: 300_000,
  subscription: false,
  quiet: false,
};

/** Bounds of a method. */
export function boundsOf(policy: MethodPolicy, defaults: CallBounds): CallBounds {
  const { subscription = defaults.subscription } = policy;
  const idle = policy.idleMs ?? (subscription ? 'unlimited' : defaults.idleMs);
  const stall = policy.stallMs ?? defaults.stallMs;
  return {
    deadlineMs: policy.deadlineMs ?? defaults.deadlineMs,
    idleMs: idle === 'unlimited' ? Number.POSITIVE_INFINITY : idle,
    stallMs: stall === 'unlimited' ? Number.POSITIVE_INFINITY : stall,
    subscription,
    quiet: policy.quiet ?? defaults.quiet,
  };
}
