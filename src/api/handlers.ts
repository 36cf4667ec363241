import type {
  handleBidiStreamingCall,
  handleClientStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
  ServiceDefinition,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { Log } from '../log.ts';
import type { AnyMethod, Method, Service } from '../wire/services.ts';
import { type AnyHandler, guarded, undecodable } from './call-guard.ts';

/** The handler that a method needs: whole requests come in, loose responses go out. */
export type HandlerOf<M> =
  M extends Method<
    infer RequestStream,
    infer ResponseStream,
    infer _Q,
    infer Request,
    infer Response,
    infer _A
  >
    ? RequestStream extends true
      ? ResponseStream extends true
        ? handleBidiStreamingCall<Request, Response>
        : handleClientStreamingCall<Request, Response>
      : ResponseStream extends true
        ? handleServerStreamingCall<Request, Response>
        : handleUnaryCall<Request, Response>
    : never;

/** A handler for each method of a service. The helpers of call.ts make them. */
export type HandlersOf<Methods> = { readonly [K in keyof Methods]: HandlerOf<Methods[K]> };

/** What grpc-js serves: the definitions with tolerant decoding, the handlers guarded. */
export interface Registration {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

/** Prepares a service for grpc-js. */
export function register<Methods extends Record<string, AnyMethod>>(
  service: Service<Methods>,
  handlers: HandlersOf<Methods>,
  log: Log,
): Registration {
  const definition: Record<string, unknown> = {};
  const implementation: Record<string, AnyHandler> = {};
  for (const [name, method] of Object.entries<AnyMethod>(service.methods)) {
    definition[name] = {
      ...method,
      requestDeserialize: undecodable(method.requestDeserialize),
      responseSerialize: loud(method, log),
    };
    implementation[name] = guarded(method.path, handlers[name as keyof Methods] as AnyHandler, log);
  }
  return {
    definition: definition as ServiceDefinition,
    implementation: implementation as unknown as UntypedServiceImplementation,
  };
}

/** A serializer that logs what it throws: grpc-js tells the client nothing but that it failed. */
function loud(method: AnyMethod, log: Log): (message: never) => Buffer {
  return (message) => {
    try {
      return method.responseSerialize(message);
    } catch (error) {
      log.error('response.not_encoded', { method: method.path.slice(1) }, error);
      throw error;
    }
  };
}
