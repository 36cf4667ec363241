import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FABS } from '../../config/fabs.ts';
import { renderConfig } from '../../config/render.ts';
import { WafersyncError } from '../../errors.ts';

/** A fab of the demo. */
export interface DemoFab {
  readonly fab: string;
  readonly place: string;
  readonly timeZone: string;
  readonly port: number;
  /** Folder of its database, configuration and log. */
  readonly folder: string;
}

const MAX_PORT = 65_535;

/** Host that the demo listens on: loopback, since nothing is encrypted. */
export const DEMO_HOST = '127.0.0.1';

/** The five fabs, on ports from `port`, below `data`. @throws WafersyncError `invalid` where that is past the last port */
export function demoFabs(data: string, port: number): DemoFab[] {
  const highest = MAX_PORT - FABS.length + 1;
  if (port > highest) {
    throw new WafersyncError('invalid', `--port ${port} leaves no ports for the other fabs`, {
      hint: `The five take five ports in a row: give ${highest} or less.`,
    });
  }
  return FABS.map((fab, i) => ({
    ...fab,
    port: port + i,
    folder: join(data, fab.fab),
  }));
}

/** host:port of a fab. */
export function addressOf({ port }: Pick<DemoFab, 'port'>): string {
  return `${DEMO_HOST}:${port}`;
}

/** Path of a fab's configuration. */
export function configPath({ folder }: Pick<DemoFab, 'folder'>): string {
  return join(folder, 'wafersync.yaml');
}

/** host:port at which a fab dials another. */
export type Dialled = (from: DemoFab, to: DemoFab) => string;

/** A link that was cut is dialled again at least this often, so that nobody waits for it to come back. */
const RECONNECT_MAX_MS = 500;

/** Writes the configurations. @throws WafersyncError `precondition` where the folder cannot be written */
export function writeConfigs(fabs: readonly DemoFab[], dialled: Dialled): void {
  for (const fab of fabs) {
    try {
      mkdirSync(fab.folder, { recursive: true });
      writeFileSync(configPath(fab), configText(fab, fabs, dialled));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (!code) throw error;
      throw new WafersyncError('precondition', `the folder ${fab.folder} cannot be written (${code})`, {
        hint: 'Make it writable, or choose another: npm start -- --data FOLDER',
        cause: error,
      });
    }
  }
}

function configText(self: DemoFab, fabs: readonly DemoFab[], dialled: Dialled): string {
  return renderConfig({
    fab: self.fab,
    data_dir: '.',
    time_zone: self.timeZone,
    listen: { host: DEMO_HOST, port: self.port },
    mesh: {
      members: fabs.map(({ fab }) => fab),
      peers: fabs
        .filter(({ fab }) => fab !== self.fab)
        .map((peer) => ({ fab: peer.fab, address: dialled(self, peer) })),
    },
    sync: { reconnect_max_ms: RECONNECT_MAX_MS },
  });
}
