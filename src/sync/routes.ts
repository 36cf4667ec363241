import type { FabId } from '../clocks/dot.ts';

/** The way that one fab's live updates take to a node. */
export interface Route {
  /** Where the updates are born. */
  readonly fab: FabId;
  /** From the announcing node to `fab`, both included. Invariant: no fab stands in it twice. */
  readonly path: readonly FabId[];
}

/**
 * Most fabs on a way. Farther ones are reached by pulling, from peer to peer. When a fab goes down in a full mesh, its
 * peers try ever longer ways through each other before they forget it: without the bound, 25 fabs send 96,000 messages.
 */
const MAX_PATH = 5;

/** A peer whose live lane to this node is up, with the routes that it announced. */
export interface LiveNeighbour {
  readonly peer: FabId;
  readonly routes: readonly Route[];
}

/** By which way each fab's updates come live to a node, and what it tells its peers of that. */
export class LiveWays {
  readonly #self: FabId;
  #sources: ReadonlyMap<FabId, Route> = new Map();
  #routes: readonly Route[];

  constructor(self: FabId) {
    this.#self = self;
    this.#routes = routesOf(self, this.#sources);
  }

  /** The way of each fab. */
  get sources(): ReadonlyMap<FabId, Route> {
    return this.#sources;
  }

  /** These ways as the peers are told of them; the same list until they change. */
  get routes(): readonly Route[] {
    return this.#routes;
  }

  /** Fabs whose updates are wanted from a peer, sorted. */
  from(peer: FabId): FabId[] {
    const wanted: FabId[] = [];
    for (const { fab, path } of this.#sources.values()) if (path[0] === peer) wanted.push(fab);
    return wanted.sort();
  }

  /** Chooses anew. */
  choose(neighbours: readonly LiveNeighbour[]): void {
    this.#sources = chooseSources(this.#self, neighbours, this.#sources);
    const routes = routesOf(this.#self, this.#sources);
    if (!sameRoutes(routes, this.#routes)) this.#routes = routes;
  }
}

/**
 * Chooses from whom each fab's updates are wanted live: the shortest announced path that does not lead through this
 * node (path-vector routing, as in BGP, so that two relays never choose each other). A source in use stays while none
 * is shorter.
 */
export function chooseSources(
  self: FabId,
  neighbours: readonly LiveNeighbour[],
  current: ReadonlyMap<FabId, Route>,
): Map<FabId, Route> {
  const best = new Map<FabId, Route>();
  const consider = (route: Route) => {
    if (route.fab === self || route.path.length > MAX_PATH || route.path.includes(self)) return;
    const known = best.get(route.fab);
    if (!known || better(route, known, current.get(route.fab))) best.set(route.fab, route);
  };
  for (const { peer, routes } of neighbours) {
    consider({ fab: peer, path: [peer] });
    for (const route of routes) if (route.path[0] === peer && route.fab !== peer) consider(route);
  }
  return best;
}

function better(route: Route, known: Route, current: Route | undefined): boolean {
  if (route.path.length !== known.path.length) return route.path.length < known.path.length;
  const via = current?.path[0];
  if (via === known.path[0] || via === route.path[0]) return via === route.path[0];
  return route.path[0]! < known.path[0]!;
}

/** What this node announces: itself, and every fab that it gets live, sorted by fab. */
export function routesOf(self: FabId, sources: ReadonlyMap<FabId, Route>): Route[] {
  const routes = [...sources.values()].map(({ fab, path }) => ({ fab, path: [self, ...path] }));
  return [{ fab: self, path: [self] }, ...routes].sort((a, b) => (a.fab < b.fab ? -1 : 1));
}

/** Whether two route tables, sorted by fab, are the same. */
export function sameRoutes(a: readonly Route[], b: readonly Route[]): boolean {
  const text = (routes: readonly Route[]) => routes.map(({ fab, path }) => `${fab}:${path.join('>')}`).join();
  return text(a) === text(b);
}
