import { createServer } from 'node:net';
import { listenError } from '../../api/listen.ts';
import type { NodeConfig } from '../../config/load.ts';
import { toNumber } from '../../wire/long.ts';
import { duration, grouped } from '../output.ts';
import type { Asked } from './asked.ts';
import { type Finding, fail, ok, skipped, warn } from './finding.ts';

/** Clocks that are further apart than this are worth a look, milliseconds. */
const CLOCK_APART_MS = 1_000;

/** The ports that the node listens on. @param own the node itself, if it runs */
export async function checkPorts({ fab, listen, metrics }: NodeConfig, own: Asked): Promise<Finding[]> {
  const { host, port } = listen;
  const findings: Finding[] = [];
  const there = own.node?.fab_id;
  if (there === fab) findings.push(ok('port', `the node of ${fab} listens on ${own.address}`));
  else if (there) {
    const says = `the node of ${there} listens on ${own.address}, where that of ${fab} is to`;
    findings.push(fail('port', says, 'Set listen.port to another one, or stop that node.'));
  } else {
    const found = await free('port', host, port, 'listen');
    findings.push(own.late && found.state === 'fail' ? silent(fab, own) : found);
  }
  if (metrics.port > 0 && there !== fab)
    findings.push(await free('metrics port', metrics.host, metrics.port, 'metrics'));
  return findings;
}

/** Something has the port, takes connections and says nothing. */
function silent(fab: string, { address, error }: Asked): Finding {
  return fail(
    'port',
    `something takes connections at ${address} and says nothing (${error})`,
    `If it is the node of ${fab}, its process stands still or has too much to do: look at its log and its machine, and restart it. Else stop that process, or set listen.port to another one.`,
  );
}

/** Whether a port can be listened on. */
function free(check: string, host: string, port: number, key: string): Promise<Finding> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', (error) => {
      const { message, hint } = listenError(error, host, port, key);
      resolve(fail(check, message, hint));
    });
    server.listen({ host, port }, () => {
      const says = port === 0 ? 'any free one is taken' : `${port} on ${host} is free; the node does not run`;
      server.close(() => resolve(ok(check, says)));
    });
  });
}

/** How the node is, if it runs. */
export function checkNode({ fab }: NodeConfig, { node, late, error }: Asked): Finding {
  if (late) return skipped('node', `it could not be asked: ${error}`);
  if (node?.fab_id !== fab) return skipped('node', 'it does not run: `wafersync serve` starts it');
  const faults = [
    node.fenced ?? '',
    node.storage?.full ? `its disk is full: ${node.storage.reason ?? ''}` : '',
  ].filter((text) => text !== '');
  if (faults.length > 0)
    return fail('node', faults.join('; '), '`wafersync status` tells more; do what it says.');
  const [damaged, held] = [toNumber(node.damaged_updates), toNumber(node.held_updates)];
  const runs = `version ${node.version ?? ''}, up ${duration(toNumber(node.uptime_ms))}`;
  if (damaged + held > 0) {
    const says = `${runs}: ${grouped(damaged)} updates are damaged, ${grouped(held)} are held back`;
    return warn('node', says, '`wafersync held list` says why; what is damaged is fetched again by itself.');
  }
  return ok('node', runs);
}

/** The other fabs, as far as this one dials them. */
export function checkPeers({ fab, mesh }: NodeConfig, peers: readonly Asked[]): Finding[] {
  if (mesh.peers.length === 0) {
    const alone = mesh.members.filter((member) => member !== fab).length === 0;
    const says = alone ? 'this fab is alone' : 'none is dialled: the others have to dial this node';
    return [skipped('peers', says)];
  }
  return peers.map((peer) => {
    const check = `peer ${peer.fab}`;
    const { node, address, error, late } = peer;
    if (!node) {
      const remedy = late
        ? `Look whether the node of ${peer.fab} stands still, or a tunnel takes connections and its other end is gone.`
        : `Start the node of ${peer.fab}, or correct its address in mesh.peers, or the tunnel that begins there.`;
      return warn(check, error.includes(address) ? error : `${address}: ${error}`, remedy);
    }
    if (node.fab_id !== peer.fab)
      return fail(check, `at ${address} answers ${node.fab_id}`, 'Correct the addresses under mesh.peers.');
    if (!(node.members ?? []).includes(fab)) {
      const remedy = `Say at any fab: \`wafersync fab add ${fab}\`.`;
      return warn(check, `${address} answers, and does not count ${fab} among its members`, remedy);
    }
    return ok(check, `${address} answers, version ${node.version ?? ''}`);
  });
}

/** This machine's clock beside those of the nodes that answered. */
export function checkClock({ sync }: NodeConfig, asked: readonly Asked[]): Finding {
  const apart = asked.flatMap(({ fab, clock }) => (clock ? [{ fab, ...clock }] : []));
  if (apart.length === 0) return skipped('clock', 'no other node could be asked for its time');
  const [worst] = apart.sort((a, b) => Math.abs(b.aheadMs) - Math.abs(a.aheadMs));
  const { fab, aheadMs, uncertaintyMs } = worst!;
  const least = Math.abs(aheadMs) - uncertaintyMs;
  const way = aheadMs > 0 ? 'ahead of' : 'behind';
  const says = `that of ${fab} is ${duration(Math.abs(aheadMs))} ${way} this one, give or take ${duration(uncertaintyMs)}`;
  const remedy = 'Run NTP at both.';
  if (least > sync.maxClockDriftMs) return fail('clock', `${says}: edits are held`, remedy);
  return least > CLOCK_APART_MS ? warn('clock', says, remedy) : ok('clock', says);
}
