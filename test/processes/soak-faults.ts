import { setTimeout } from 'node:timers/promises';
import type { Random } from '../../src/generator/random.ts';
import type { Cluster, Fab } from '../support/cluster.ts';
import type { WanProxy } from '../support/wan-proxy.ts';

/** Does something bad for a while; settles when it is over. Every node is up then, and every link clear. */
export type SoakFault = (cluster: Cluster, random: Random) => Promise<void>;

/** How long faults last, milliseconds. */
const SHORTEST_MS = 500;
const LONGEST_MS = 6_000;

const lasting = (random: Random) => setTimeout(random.between(SHORTEST_MS, LONGEST_MS));

/** A fault of some of a fab's links, in both directions: of one, or of all. */
function ofLinks(spoil: (link: WanProxy, random: Random) => void): SoakFault {
  return async (cluster, random) => {
    const [fab, ...others] = random.shuffled(cluster.fabs) as [Fab, ...Fab[]];
    const touched = random.chance(0.5) ? others : others.slice(0, 1);
    const links = touched.flatMap((other) => [cluster.link(fab, other), cluster.link(other, fab)]);
    for (const link of links) spoil(link, random);
    await lasting(random);
    for (const link of links) link.heal();
  };
}

/** Ends a node by a signal and starts it after a while. */
function ended(signal: 'SIGKILL' | 'SIGTERM'): SoakFault {
  return async (cluster, random) => {
    const fab = random.pick(cluster.fabs);
    await cluster.stopNode(fab, signal);
    await lasting(random);
    await cluster.startNode(fab);
  };
}

const frozen: SoakFault = async (cluster, random) => {
  const fab = random.pick(cluster.fabs);
  cluster.freeze(fab);
  await lasting(random);
  cluster.thaw(fab);
};

/** What a soak does to a mesh. */
export const SOAK_FAULTS: Readonly<Record<string, SoakFault>> = {
  'kill -9': ended('SIGKILL'),
  'stop and start': ended('SIGTERM'),
  'stand still': frozen,
  'links cut': ofLinks((link) => link.cut()),
  'links stalled': ofLinks((link) => link.stall()),
  'links stalled one way': ofLinks((link, random) => link.stall(random.pick(['there', 'back'] as const))),
  'links slow, 100 to 400 ms': ofLinks((link, random) => link.set({ delayMs: random.between(100, 400) })),
  'links narrow, 20 to 200 kB/s': ofLinks((link, random) =>
    link.set({ bytesPerSecond: random.between(20_000, 200_000) }),
  ),
  'links flapping': ofLinks((link, random) => link.flap(random.between(50, 500), random.between(50, 500))),
};
