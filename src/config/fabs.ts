import { type PartialConfig, renderConfig, withDefaults } from './render.ts';

/** A fab of the mesh of five. */
export interface Fab {
  readonly fab: string;
  readonly place: string;
  /** IANA time zone of its testers. */
  readonly timeZone: string;
}

/** The five fabs, in the order in which every configuration has them. */
export const FABS: readonly Fab[] = [
  { fab: 'tw', place: 'Taiwan', timeZone: 'Asia/Taipei' },
  { fab: 'az', place: 'Arizona', timeZone: 'America/Phoenix' },
  { fab: 'de', place: 'Germany', timeZone: 'Europe/Berlin' },
  { fab: 'il', place: 'Israel', timeZone: 'Asia/Jerusalem' },
  { fab: 'kr', place: 'Korea', timeZone: 'Asia/Seoul' },
];

const HOST = '127.0.0.1';
const PORT = 50_051;
/** As exporters of OpenTelemetry have it. */
const METRICS_PORT = 9_464;
/** Port at which the tunnel to the first fab ends; the others take the four behind it. */
const FIRST_TUNNEL_PORT = 50_061;
/** What deploy/wafersync.service makes and lets the node write to. */
const DATA_FOLDER = '/var/lib/wafersync';

/** host:port at which every other fab has its end of the tunnel to this one. */
export function tunnelEnd({ fab }: Fab): string {
  return `${HOST}:${FIRST_TUNNEL_PORT + FABS.findIndex((one) => one.fab === fab)}`;
}

/** Text of deploy/FAB.yaml: the configuration of the node of one of the five, every key under a comment. */
export function fabFile(self: Fab): string {
  const values: PartialConfig = {
    fab: self.fab,
    data_dir: DATA_FOLDER,
    time_zone: self.timeZone,
    listen: { host: HOST, port: PORT },
    metrics: { host: HOST, port: METRICS_PORT },
    mesh: {
      members: FABS.map(({ fab }) => fab),
      peers: FABS.filter(({ fab }) => fab !== self.fab).map((peer) => ({
        fab: peer.fab,
        address: tunnelEnd(peer),
      })),
    },
  };
  return renderConfig(withDefaults(values), heading(self));
}

function heading(self: Fab): string {
  const ends = FABS.map((fab) => `  ${fab.fab}  ${tunnelEnd(fab)}  ${fab.place}`);
  return `Configuration of the node of ${self.place}, ${self.fab}, with every key.

Connections are not encrypted yet and callers not authenticated. So the node listens on loopback alone, and other
machines come to it through tunnels: ssh, stunnel, or WireGuard with a forwarder to loopback. A tunnel to a fab
begins on this machine, at an address on loopback or on a private interface, which stands under mesh.peers. It ends
on the machine of that fab, where it hands everything on to ${HOST}:${PORT}. In these files it begins at the same
address on every machine:

${ends.join('\n')}

Whoever may connect to one of these addresses may read and write everything: see docs/OPERATIONS.md.

Environment variables override this file: WAFERSYNC_LOG_LEVEL=debug sets log.level.
Made from the schema by \`npm run document\`.`;
}
