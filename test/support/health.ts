import type { TestContext } from 'node:test';
import { makeClient } from '../../src/api/client.ts';
import { REASON_TRAILER } from '../../src/api/health.ts';
import { grpc } from '../../src/gen/wafersync.js';
import { health } from '../../src/wire/services.ts';
import { callRaw, closing } from './grpc-client.ts';

type Status = grpc.health.v1.HealthCheckResponse.ServingStatus;

/** What Check of a service says at a node, the node as a whole where none is named. */
export async function healthAt(
  t: TestContext,
  address: string,
  service = '',
): Promise<{ readonly status: Status; readonly reason: string }> {
  const { requestSerialize, path } = health.methods.Check;
  const { messages, status } = await callRaw(t, address, path, [Buffer.from(requestSerialize({ service }))]);
  const [reason = ''] = status.metadata.get(REASON_TRAILER);
  const answer = grpc.health.v1.HealthCheckResponse.decode(messages[0] ?? new Uint8Array());
  return { status: answer.status, reason: decodeURIComponent(String(reason)) };
}

/** Settles when the health of a node as a whole is, or turns to, `wanted`. */
export async function turnsTo(t: TestContext, address: string, wanted: Status): Promise<void> {
  const client = closing(t, makeClient(health, address));
  for await (const { status } of client.Watch({})) if (status === wanted) return;
  throw new Error(`the watch of the health of ${address} ended`);
}
