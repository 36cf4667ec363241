import { readFileSync } from 'node:fs';
import type { NodeConfig } from '../../config/load.ts';
import { type Finding, ok, warn } from './finding.ts';

/** Ports that Linux gives to outgoing connections, and those of them that it keeps. */
const PORT_RANGE = '/proc/sys/net/ipv4/ip_local_port_range';
const RESERVED_PORTS = '/proc/sys/net/ipv4/ip_local_reserved_ports';

/** Addresses of this machine, as configurations name them. */
const LOOPBACK = /^(127\.\d+\.\d+\.\d+|localhost|\[::1\]):/;

/** Whether the system may give a port that is listened on here to somebody's outgoing connection; nothing where it does not say. */
export function checkPortRange(config: NodeConfig): Finding[] {
  const [range, reserved] = [read(PORT_RANGE), read(RESERVED_PORTS)];
  if (range === null) return [];
  return [portRange(portsHere(config), range, reserved ?? '')];
}

/** The node, its metrics, and what its peers are reached by on this machine: tunnels, or their nodes. */
export function portsHere({ listen, metrics, mesh }: NodeConfig): number[] {
  const near = mesh.peers.filter(({ address }) => LOOPBACK.test(address));
  const ports = [listen.port, metrics.port, ...near.map(({ address }) => Number(address.split(':').at(-1)))];
  return [...new Set(ports)].filter((port) => port > 0).sort((a, b) => a - b);
}

/**
 * The finding for these ports.
 * @param range what the kernel tells of ports for outgoing connections: `32768 60999`
 * @param reserved what it tells of those that are kept from them: `9464,50061-50065`, or nothing
 */
export function portRange(ports: readonly number[], range: string, reserved: string): Finding {
  const [first = 0, last = 0] = range.trim().split(/\s+/).map(Number);
  const kept = reserved.trim().split(',').filter(Boolean);
  const isKept = (port: number) =>
    kept.some((part) => {
      const [from, to = from] = part.split('-').map(Number);
      return port >= from! && port <= to!;
    });
  const lent = ports.filter((port) => port >= first && port <= last && !isKept(port));
  const check = 'port range';
  if (lent.length === 0) return ok(check, 'no port of this configuration is given to outgoing connections');
  return warn(
    check,
    `the system gives ports ${first} to ${last} to outgoing connections: now and then a start may find ${lent.join(', ')} taken`,
    `Reserve them: sysctl net.ipv4.ip_local_reserved_ports=${[...kept, ...lent].join(',')}, and in /etc/sysctl.d, as deploy/90-wafersync.conf does. Or take ports outside.`,
  );
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // Not Linux, or not to be read: then it cannot be told.
    return null;
  }
}
