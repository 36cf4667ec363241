import { WafersyncError } from '../errors.ts';
import { grpc } from '../gen/wafersync.js';
import { health as healthService } from '../wire/services.ts';
import { toHeaderText } from '../wire/status.ts';
import { type CallContext, serverStream, unary } from './call.ts';
import type { ApiServer } from './server.ts';

/** Trailing metadata of Check: why a service is not serving, percent-encoded as grpc-message is. */
export const REASON_TRAILER = 'wafersync-reason';

/** Most characters of a reason that are told: clients bound the size of metadata. */
const MAX_REASON = 300;

/** Whether a service can be called, and why not. */
export type ServiceState =
  | { readonly serving: true }
  | { readonly serving: false /** For people. */; readonly reason: string };

const { ServingStatus } = grpc.health.v1.HealthCheckResponse;
type Status = grpc.health.v1.HealthCheckResponse.ServingStatus;

/** The states of the node's services, the node as a whole among them under the empty name. */
export class Health {
  readonly #states = new Map<string, ServiceState>();
  /** Woken by any change; one a watcher, so as many as there are Watch calls. */
  readonly #watchers = new Set<() => void>();

  /** Sets the state of one service, or with the empty name that of the node as a whole. */
  set(service: string, state: ServiceState): void {
    this.#states.set(service, state);
    for (const wake of this.#watchers) wake();
  }

  /** State of a service; undefined where there is no such service. */
  state(service: string): ServiceState | undefined {
    return this.#states.get(service);
  }

  /** All states, by name. */
  states(): ReadonlyMap<string, ServiceState> {
    return this.#states;
  }

  /** How many watch. */
  get watchers(): number {
    return this.#watchers.size;
  }

  /** The state now and after each change, until `signal` is aborted. Of changes in quick succession only the last is told. */
  async *watch(service: string, signal: AbortSignal): AsyncGenerator<ServiceState | undefined, void, void> {
    let wake = () => {};
    const onEvent = () => wake();
    this.#watchers.add(onEvent);
    signal.addEventListener('abort', onEvent);
    try {
      let told: ServiceState | undefined | null = null;
      while (!signal.aborted) {
        const state = this.#states.get(service);
        if (told === null || statusOf(told) !== statusOf(state)) {
          told = state;
          yield state;
        } else {
          await new Promise<void>((resolve) => (wake = resolve));
        }
      }
    } finally {
      this.#watchers.delete(onEvent);
      signal.removeEventListener('abort', onEvent);
    }
  }
}

/** Adds the standard health service. */
export function addHealth(server: ApiServer, health: Health): void {
  server.add(
    healthService,
    {
      Check: unary(({ service }, context) => check(health, service, context)),
      List: unary(() => list(health)),
      Watch: serverStream(async function* ({ service }, { signal }) {
        for await (const state of health.watch(service, signal)) yield { status: statusOf(state) };
      }),
    },
    { Check: { quiet: true }, List: { quiet: true }, Watch: { subscription: true } },
  );
}

function check(health: Health, service: string, context: CallContext): { status: Status } {
  const state = health.state(service);
  if (!state) {
    throw new WafersyncError('not-found', `there is no service ${JSON.stringify(service)}`, {
      hint: 'Ask for the empty name, or for a service that reflection lists.',
    });
  }
  if (!state.serving) context.trailers[REASON_TRAILER] = toHeaderText(state.reason.slice(0, MAX_REASON));
  return { status: statusOf(state) };
}

function list(health: Health) {
  const states = [...health.states()].map(([name, state]) => [name, { status: statusOf(state) }] as const);
  return { statuses: Object.fromEntries(states) };
}

function statusOf(state: ServiceState | undefined): Status {
  if (!state) return ServingStatus.SERVICE_UNKNOWN;
  return state.serving ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
}
