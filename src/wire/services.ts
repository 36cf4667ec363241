import { WafersyncError } from '../errors.ts';
import { grpc, wafersync } from '../gen/wafersync.js';

/** A generated message class: takes loose properties to encode, gives the full message when decoding. */
export interface MessageType<Properties, Message> {
  encode(message: Properties): { finish(): Uint8Array };
  decode(bytes: Uint8Array): Message;
}

/**
 * One method, in the shape that gRPC libraries take. Serializers return Buffers and throw
 * WafersyncError: `internal` for a message that cannot be encoded, `invalid` for bytes that cannot be decoded.
 */
export interface Method<
  RequestStream extends boolean,
  ResponseStream extends boolean,
  RequestProperties,
  Request,
  ResponseProperties,
  Response,
> {
  /** Such as `/wafersync.v1.DataSync/SyncWaferData`. */
  readonly path: string;
  readonly requestStream: RequestStream;
  readonly responseStream: ResponseStream;
  requestSerialize(message: RequestProperties): Buffer;
  requestDeserialize(bytes: Buffer): Request;
  responseSerialize(message: ResponseProperties): Buffer;
  responseDeserialize(bytes: Buffer): Response;
}

/** Any method. `never` and `unknown` stand where a value goes in and comes out. */
export type AnyMethod = Method<boolean, boolean, never, unknown, never, unknown>;

/** A service: its full name and its methods by name. */
export interface Service<Methods extends Record<string, AnyMethod> = Record<string, AnyMethod>> {
  /** Such as `wafersync.v1.DataSync`. */
  readonly name: string;
  readonly methods: Methods;
}

/** A method that does not know its service yet. */
type Unbound<M extends AnyMethod> = (path: string) => M;

/** Makes the method whose messages are of the two types. */
function method<RS extends boolean, WS extends boolean, QP, Q, AP, A>(
  requestStream: RS,
  responseStream: WS,
  request: MessageType<QP, Q>,
  response: MessageType<AP, A>,
): Unbound<Method<RS, WS, QP, Q, AP, A>> {
  return (path) => ({
    path,
    requestStream,
    responseStream,
    requestSerialize: encoder(`request of ${path}`, request),
    requestDeserialize: decoder(`request of ${path}`, request),
    responseSerialize: encoder(`response of ${path}`, response),
    responseDeserialize: decoder(`response of ${path}`, response),
  });
}

function encoder<P, M>(what: string, type: MessageType<P, M>): (message: P) => Buffer {
  return (message) => {
    try {
      const bytes = type.encode(message).finish();
      return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    } catch (error) {
      throw WafersyncError.from(error, 'internal', `${what} cannot be encoded`);
    }
  };
}

function decoder<P, M>(what: string, type: MessageType<P, M>): (bytes: Buffer) => M {
  return (bytes) => {
    try {
      return type.decode(bytes);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new WafersyncError('invalid', `${what} (${bytes.length} bytes) cannot be decoded: ${reason}`, {
        hint: 'Check that both sides use the same proto files.',
        cause: error,
      });
    }
  };
}

const unary = <QP, Q, AP, A>(request: MessageType<QP, Q>, response: MessageType<AP, A>) =>
  method(false, false, request, response);
const serverStream = <QP, Q, AP, A>(request: MessageType<QP, Q>, response: MessageType<AP, A>) =>
  method(false, true, request, response);
const clientStream = <QP, Q, AP, A>(request: MessageType<QP, Q>, response: MessageType<AP, A>) =>
  method(true, false, request, response);
const bidi = <QP, Q, AP, A>(request: MessageType<QP, Q>, response: MessageType<AP, A>) =>
  method(true, true, request, response);

/** Gives the methods of a service their paths. */
function service<U extends Record<string, Unbound<AnyMethod>>>(
  name: string,
  unbound: U,
): Service<{ readonly [K in keyof U]: ReturnType<U[K]> }> {
  const methods = Object.fromEntries(
    Object.entries(unbound).map(([key, make]) => [key, make(`/${name}/${key}`)]),
  );
  return { name, methods: methods as { readonly [K in keyof U]: ReturnType<U[K]> } };
}

const { v1 } = wafersync;

/** Replication between nodes, and the sync state of a wafer. */
export const dataSync = service('wafersync.v1.DataSync', {
  SyncWaferData: bidi(v1.WaferUpdate, v1.SyncStatus),
  PullWaferData: bidi(v1.PullRequest, v1.WaferUpdate),
  OfferWaferData: bidi(v1.WaferUpdate, v1.PullRequest),
});

/** Testers: results in, results out. */
export const testEquipment = service('wafersync.v1.TestEquipment', {
  StreamTestResults: clientStream(v1.TestResult, v1.TestAck),
  SyncTestData: bidi(v1.TestResult, v1.TestAck),
  GetHistoricalTests: serverStream(v1.TestQuery, v1.TestResult),
  WatchResults: serverStream(v1.WatchResultsRequest, v1.WatchResultsResponse),
});

/** Runs: files in, attempts out. */
export const runService = service('wafersync.v1.RunService', {
  ImportRun: clientStream(v1.ImportRunRequest, v1.ImportRunResponse),
  GetRun: unary(v1.GetRunRequest, v1.GetRunResponse),
  ReadRun: serverStream(v1.ReadRunRequest, v1.ReadRunResponse),
  WatchRun: serverStream(v1.WatchRunRequest, v1.WatchRunResponse),
});

/** Documents of wafers, and that of the mesh. */
export const waferService = service('wafersync.v1.WaferService', {
  GetWafer: unary(v1.GetWaferRequest, v1.GetWaferResponse),
  GetWaferMap: unary(v1.GetWaferMapRequest, v1.GetWaferMapResponse),
  PatchWafer: unary(v1.PatchWaferRequest, v1.PatchWaferResponse),
  RetireWafer: unary(v1.RetireWaferRequest, v1.RetireWaferResponse),
  GetMesh: unary(v1.GetMeshRequest, v1.GetMeshResponse),
  PatchMesh: unary(v1.PatchMeshRequest, v1.PatchMeshResponse),
});

/** Conflicts and their settlement. */
export const conflictService = service('wafersync.v1.ConflictService', {
  ListConflicts: serverStream(v1.ListConflictsRequest, v1.ListConflictsResponse),
  GetConflict: unary(v1.GetConflictRequest, v1.GetConflictResponse),
  ResolveConflict: unary(v1.ResolveConflictRequest, v1.ResolveConflictResponse),
  ExplainField: unary(v1.ExplainFieldRequest, v1.ExplainFieldResponse),
});

/** Retention: values of old results leave the mesh. */
export const retentionService = service('wafersync.v1.RetentionService', {
  PlanPurge: unary(v1.PlanPurgeRequest, v1.PlanPurgeResponse),
  Purge: unary(v1.PurgeRequest, v1.PurgeResponse),
  ListPurges: unary(v1.ListPurgesRequest, v1.ListPurgesResponse),
});

/** Backups of a node's database. */
export const backupService = service('wafersync.v1.BackupService', {
  Backup: serverStream(v1.BackupRequest, v1.BackupResponse),
});

/** What a node knows of itself and of its peers. */
export const syncMonitor = service('wafersync.v1.SyncMonitor', {
  GetNode: unary(v1.GetNodeRequest, v1.GetNodeResponse),
  WatchNode: serverStream(v1.WatchNodeRequest, v1.WatchNodeResponse),
  GetWaferStatus: unary(v1.GetWaferStatusRequest, v1.GetWaferStatusResponse),
  ListWafers: unary(v1.ListWafersRequest, v1.ListWafersResponse),
  GetLotStatus: unary(v1.GetLotStatusRequest, v1.GetLotStatusResponse),
  WatchSyncStatus: serverStream(v1.WatchSyncStatusRequest, v1.WatchSyncStatusResponse),
  GetLotDigest: unary(v1.GetLotDigestRequest, v1.GetLotDigestResponse),
  WaitForLot: serverStream(v1.WaitForLotRequest, v1.WaitForLotResponse),
  ListPeers: unary(v1.ListPeersRequest, v1.ListPeersResponse),
  ListHeld: unary(v1.ListHeldRequest, v1.ListHeldResponse),
});

/** Who belongs to the mesh, and how a node takes part in it. */
export const syncControl = service('wafersync.v1.SyncControl', {
  ListFabs: unary(v1.ListFabsRequest, v1.ListFabsResponse),
  AddFab: unary(v1.AddFabRequest, v1.AddFabResponse),
  RemoveFab: unary(v1.RemoveFabRequest, v1.RemoveFabResponse),
  EvictFab: unary(v1.EvictFabRequest, v1.EvictFabResponse),
  ReleaseHeld: unary(v1.ReleaseHeldRequest, v1.ReleaseHeldResponse),
  DropHeld: unary(v1.DropHeldRequest, v1.DropHeldResponse),
  PausePeer: unary(v1.PausePeerRequest, v1.PausePeerResponse),
  ResumePeer: unary(v1.ResumePeerRequest, v1.ResumePeerResponse),
  SetPeerLimit: unary(v1.SetPeerLimitRequest, v1.SetPeerLimitResponse),
  Drain: serverStream(v1.DrainRequest, v1.DrainResponse),
  CancelDrain: unary(v1.CancelDrainRequest, v1.CancelDrainResponse),
  ListActs: unary(v1.ListActsRequest, v1.ListActsResponse),
});

/** Verification: what fabs have is compared, and what is wrong repaired. */
export const verifyService = service('wafersync.v1.VerifyService', {
  Verify: serverStream(v1.VerifyRequest, v1.VerifyResponse),
  GetVerification: unary(v1.GetVerificationRequest, v1.GetVerificationResponse),
  CompareDigests: bidi(v1.CompareDigestsRequest, v1.CompareDigestsResponse),
});

const health1 = grpc.health.v1;

/** The standard health service. */
export const health = service('grpc.health.v1.Health', {
  Check: unary(health1.HealthCheckRequest, health1.HealthCheckResponse),
  List: unary(health1.HealthListRequest, health1.HealthListResponse),
  Watch: serverStream(health1.HealthCheckRequest, health1.HealthCheckResponse),
});

const { v1: reflection1, v1alpha: reflection1alpha } = grpc.reflection;

/** The standard reflection service. */
export const reflection = service('grpc.reflection.v1.ServerReflection', {
  ServerReflectionInfo: bidi(reflection1.ServerReflectionRequest, reflection1.ServerReflectionResponse),
});

/** The reflection service under its older name. */
export const reflectionAlpha = service('grpc.reflection.v1alpha.ServerReflection', {
  ServerReflectionInfo: bidi(
    reflection1alpha.ServerReflectionRequest,
    reflection1alpha.ServerReflectionResponse,
  ),
});

/** Every service of the contract. */
export const services: readonly Service[] = [
  dataSync,
  testEquipment,
  runService,
  waferService,
  conflictService,
  retentionService,
  backupService,
  syncMonitor,
  syncControl,
  verifyService,
  health,
  reflection,
  reflectionAlpha,
];
