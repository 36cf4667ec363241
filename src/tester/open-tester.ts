import { grpcTesterCalls } from '../api/tester-call.ts';
import { WafersyncError } from '../errors.ts';
import { realWorld, type World } from '../world.ts';
import { TesterClient, type TesterParts } from './tester-client.ts';

/** How a tester streams to a node. */
export interface TesterOptions extends Partial<Omit<TesterParts, 'openCall'>> {
  /** host:port of the node of the tester's own fab. */
  readonly node: string;
  /** Name of the tester. */
  readonly equipmentId: string;
  /** The tester's name for this stream. The same again resumes it. Absent: a random one. */
  readonly streamId?: string;
  /** Whether the verdicts of this stream are final: meant to stand beside those of other fabs. */
  readonly final?: boolean;
  /** Whether messages are compressed; absent: towards other machines. */
  readonly gzip?: boolean;
}

/**
 * Makes a client that streams to a node. It connects when it is first given something, and by itself again.
 * @throws WafersyncError `invalid` without a tester's name
 */
export function openTester(options: TesterOptions): TesterClient {
  const { node, equipmentId, streamId, final = false, gzip, world = realWorld, ...parts } = options;
  if (equipmentId === '') {
    throw new WafersyncError('invalid', 'equipmentId is empty', { hint: 'Give the name of the tester.' });
  }
  const openCall = grpcTesterCalls({
    ...{ node, equipmentId, final },
    streamId: streamId || randomName(world),
    gzip: gzip ?? !isLoopback(node),
  });
  return new TesterClient({ ...parts, world, openCall });
}

/** Whether a host:port is on this machine. */
export function isLoopback(address: string): boolean {
  const host = address.replace(/:\d+$/, '');
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/i.test(host);
}

function randomName(world: World): string {
  return Buffer.from(world.random(16)).toString('hex');
}
