import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { makeClient } from '../../src/api/client.ts';
import { tunnelEnd, FABS as WHERE } from '../../src/config/fabs.ts';
import { syncMonitor } from '../../src/wire/services.ts';
import { converged } from '../processes/mesh-watch.ts';
import { Cluster, FABS, type Fab } from '../support/cluster.ts';
import { command, ENVIRONMENT, ended, MAIN } from '../support/command.ts';
import { BUF } from '../support/protos.ts';
import { asBufCurl, type Printed } from './steps.ts';

/** Where a node listens on its machine, as in the files of deploy/. */
const NODE = '127.0.0.1:50051';
/** One way, of every link. */
const LINK_DELAY_MS = 20;

/**
 * Five fabs on this machine, on which lines are typed as on five machines that are set up as deploy/ says: ports,
 * folders and tunnels of the lines and of what they print are exchanged for those that are used here, and back.
 */
export class Stage {
  readonly cluster: Cluster;
  readonly #folder: string;
  readonly #hasGrpcurl = spawnSync('grpcurl', ['--version']).status === 0;

  private constructor(cluster: Cluster, folder: string) {
    this.cluster = cluster;
    this.#folder = folder;
  }

  /** Starts the fabs. `end` has to be called. */
  static async start(): Promise<Stage> {
    const folder = mkdtempSync(join(tmpdir(), 'wafersync-walkthrough-'));
    installPrograms(join(folder, 'bin'));
    mkdirSync(join(folder, 'backup'));
    const cluster = await Cluster.start(FABS);
    const stage = new Stage(cluster, folder);
    for (const from of FABS)
      for (const to of FABS) if (from !== to) cluster.link(from, to).set({ delayMs: LINK_DELAY_MS });
    return stage;
  }

  async end(): Promise<void> {
    await this.cluster.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Writes lots as files into the folder in which lines are typed. */
  async makeLots(count: number): Promise<void> {
    const sizes = ['--preset', 'small', '--wafers', '3', '--wafers-per-file', '3'];
    const { code, stderr } = await command(
      ...['generate', '--out', this.#folder, '--lots', String(count)],
      ...sizes,
    );
    if (code !== 0) throw new Error(stderr);
  }

  /** Runs a line in a shell on the machine of a fab. */
  async type(fab: Fab, line: string): Promise<Printed> {
    const shown = this.#hasGrpcurl ? line : asBufCurl(line);
    const env = { ...ENVIRONMENT, PATH: `${join(this.#folder, 'bin')}${delimiter}${process.env.PATH}` };
    const child = spawn('sh', ['-c', this.#real(fab, shown)], {
      cwd: this.#folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const { code, stdout, stderr } = await ended(child);
    return { line: shown, text: this.#told(fab, stdout + stderr).trimEnd(), code: code ?? -1 };
  }

  /** Settles once the node of a fab says something of itself or its peers; asked whenever it tells of a change. */
  async until(fab: Fab, says: RegExp): Promise<void> {
    const address = this.cluster.address(fab);
    const monitor = makeClient(syncMonitor, address);
    try {
      for await (const _ of monitor.WatchNode({ min_interval_ms: 20 }))
        if (says.test((await command('status', '--node', address)).stdout)) return;
    } finally {
      monitor.close();
    }
    throw new Error(`the watch of ${fab} ended before it said ${says}`);
  }

  /** Settles once all fabs have the same. */
  async inSync(): Promise<void> {
    await converged(FABS.map((fab) => this.cluster.address(fab)));
  }

  /** Settles once a fab has a lane to every other that has one to it. */
  async connected(fab: Fab): Promise<void> {
    await this.until(fab, /(?:^[a-z]+ +\S+:\d+ +both ways.*\n){4}/m);
  }

  /** Cuts or mends every line of a fab. */
  cutOff(fab: Fab): void {
    for (const other of FABS) if (other !== fab) this.cluster.cut(fab, other);
  }

  mend(fab: Fab): void {
    for (const other of FABS) {
      if (other === fab) continue;
      this.cluster.heal(fab, other);
      this.cluster.link(fab, other).set({ delayMs: LINK_DELAY_MS });
      this.cluster.link(other, fab).set({ delayMs: LINK_DELAY_MS });
    }
  }

  /** The line as it runs here. */
  #real(fab: Fab, line: string): string {
    return line
      .replaceAll(NODE, this.cluster.address(fab))
      .replaceAll('/etc/wafersync/wafersync.yaml', this.cluster.configFile(fab))
      .replaceAll('/backup/', `${join(this.#folder, 'backup')}/`);
  }

  /** What was printed here, as it would be there. */
  #told(fab: Fab, text: string): string {
    const port = this.cluster.address(fab).split(':')[1]!;
    let told = text
      .replaceAll(this.cluster.configFile(fab), '/etc/wafersync/wafersync.yaml')
      .replaceAll(this.cluster.dataFolder(fab), '/var/lib/wafersync')
      .replaceAll(join(this.#folder, 'backup'), '/backup')
      .replaceAll(this.cluster.address(fab), NODE)
      .replaceAll(`${port} on 127.0.0.1`, '50051 on 127.0.0.1');
    for (const place of WHERE) {
      const to = place.fab as Fab;
      if (to !== fab) told = told.replaceAll(this.cluster.link(fab, to).address, tunnelEnd(place));
    }
    return told;
  }
}

/** `wafersync` and `npx buf` as they are found on a machine with both. */
function installPrograms(folder: string): void {
  mkdirSync(folder);
  const program = (name: string, text: string) =>
    writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  program('wafersync', `exec "${process.execPath}" "${MAIN}" "$@"`);
  program('npx', `shift\nexec "${BUF}" "$@"`);
}
