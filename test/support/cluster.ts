import type { ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type PartialConfig, renderConfig } from '../../src/config/render.ts';
import { ENVIRONMENT, startWafersync } from './command.ts';
import { freePorts } from './free-ports.ts';
import { WanProxy } from './wan-proxy.ts';

/** Fabs of the tests. */
export const FABS = ['tw', 'az', 'de', 'il', 'kr'] as const;
export type Fab = (typeof FABS)[number];

/** Where some fabs keep their data, instead of in the folder of the cluster. */
export type DataFolders = { readonly [F in Fab]?: string };

/** How the nodes are run; all of it may be left out. */
export interface ClusterOptions {
  /** Keys of the configuration besides those that are set here. */
  readonly config?: PartialConfig;
  /** Further keys of one fab. */
  readonly configOf?: (fab: Fab) => PartialConfig;
  /** A module that each node loads before the program. */
  readonly preload?: string;
  /** Variables of the environment of all nodes. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Other members, which the cluster does not run: host:port of each by its fab. */
  readonly elsewhere?: Readonly<Record<string, string>>;
  /** Fabs that no other one knows of, with the one that each of them knows; they are not started. */
  readonly newcomers?: { readonly [F in Fab]?: Fab };
}

/** How one start goes. */
export interface StartOptions {
  /** Variables of the environment, besides those of all. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Fabs as real processes, fully meshed; every link is a proxy that can be delayed, throttled, stalled and cut. */
export class Cluster {
  readonly folder: string;
  readonly fabs: readonly Fab[];
  readonly #dataFolders: DataFolders;
  readonly #ports: ReadonlyMap<Fab, number>;
  readonly #links: ReadonlyMap<string, WanProxy>;
  readonly #options: ClusterOptions;
  readonly #nodes = new Map<Fab, ChildProcess>();

  private constructor(
    folder: string,
    fabs: readonly Fab[],
    ports: Map<Fab, number>,
    links: Map<string, WanProxy>,
    dataFolders: DataFolders,
    options: ClusterOptions,
  ) {
    this.folder = folder;
    this.fabs = fabs;
    this.#ports = ports;
    this.#links = links;
    this.#dataFolders = dataFolders;
    this.#options = options;
  }

  /** Makes and starts the fabs. */
  static async start(
    fabs: readonly Fab[] = FABS,
    dataFolders: DataFolders = {},
    options: ClusterOptions = {},
  ): Promise<Cluster> {
    const folder = mkdtempSync(join(tmpdir(), 'wafersync-test-'));
    const free = await freePorts(fabs.length);
    const ports = new Map(fabs.map((fab, i) => [fab, free[i]!]));
    const links = new Map<string, WanProxy>();
    for (const from of fabs) {
      for (const to of fabs) if (from !== to) links.set(`${from}>${to}`, await WanProxy.open(ports.get(to)!));
    }
    const cluster = new Cluster(folder, fabs, ports, links, dataFolders, options);
    process.on('exit', cluster.#abandon);
    for (const fab of fabs) cluster.#writeConfig(fab);
    try {
      await Promise.all(cluster.#begun.map((fab) => cluster.startNode(fab)));
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  /** host:port of a fab's node. */
  address(fab: Fab): string {
    return `127.0.0.1:${this.#ports.get(fab)}`;
  }

  /** Folder of a fab's database. */
  dataFolder(fab: Fab): string {
    return this.#dataFolders[fab] ?? join(this.folder, fab);
  }

  /** Path of a fab's database. */
  databaseFile(fab: Fab): string {
    return join(this.dataFolder(fab), 'wafersync.db');
  }

  /** Path of a fab's configuration. */
  configFile(fab: Fab): string {
    return join(this.folder, fab, 'wafersync.yaml');
  }

  /** Process id of a node that runs. */
  pid(fab: Fab): number {
    return this.#nodes.get(fab)!.pid!;
  }

  /** What the node has logged. */
  log(fab: Fab): string {
    return readFileSync(join(this.folder, fab, 'node.log'), 'utf8');
  }

  /** Starts a node; settles when it serves. */
  async startNode(fab: Fab, options: StartOptions = {}): Promise<void> {
    const child = this.spawnNode(fab, options);
    await new Promise<void>((resolve, reject) => {
      child.once('message', () => resolve());
      child.once('exit', (code, signal) =>
        reject(new Error(`${fab} ended with ${code ?? signal}:\n${this.log(fab).slice(-2000)}`)),
      );
    });
  }

  /** Starts a node and does not wait for it: its first message says that it serves. */
  spawnNode(fab: Fab, { environment = {} }: StartOptions = {}): ChildProcess {
    const { preload, environment: shared = {} } = this.#options;
    const log = openSync(join(this.folder, fab, 'node.log'), 'a');
    const child = startWafersync(
      ['serve', '--config', this.configFile(fab)],
      { stdio: ['ignore', log, log, 'ipc'], env: { ...ENVIRONMENT, ...shared, ...environment } },
      preload === undefined ? [] : ['--import', pathToFileURL(preload).href],
    );
    closeSync(log);
    this.#nodes.set(fab, child);
    return child;
  }

  /** The process of a node that was started last. */
  process(fab: Fab): ChildProcess {
    return this.#nodes.get(fab)!;
  }

  /** Ends a node; settles when it is gone, with its exit code. */
  async stopNode(fab: Fab, signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): Promise<number | null> {
    const child = this.#nodes.get(fab);
    this.#nodes.delete(fab);
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    return new Promise((resolve) => {
      child.once('exit', (code) => resolve(code));
      child.kill(signal);
      // One that stands still would not hear it.
      child.kill('SIGCONT');
    });
  }

  /** Makes a node stand still, with all its connections open. */
  freeze(fab: Fab): void {
    this.#nodes.get(fab)!.kill('SIGSTOP');
  }

  /** Lets it go on. */
  thaw(fab: Fab): void {
    this.#nodes.get(fab)!.kill('SIGCONT');
  }

  /** The link over which `from` dials `to`. */
  link(from: Fab, to: Fab): WanProxy {
    return this.#links.get(`${from}>${to}`)!;
  }

  /** Cuts the links between two fabs, both ways. */
  cut(a: Fab, b: Fab): void {
    this.#links.get(`${a}>${b}`)?.cut();
    this.#links.get(`${b}>${a}`)?.cut();
  }

  heal(a: Fab, b: Fab): void {
    this.#links.get(`${a}>${b}`)?.heal();
    this.#links.get(`${b}>${a}`)?.heal();
  }

  /** Ends everything and removes the data. */
  async stop(): Promise<void> {
    await Promise.all(this.fabs.map((fab) => this.stopNode(fab, 'SIGTERM')));
    await Promise.all([...this.#links.values()].map((link) => link.close()));
    rmSync(this.folder, { recursive: true, force: true });
    process.off('exit', this.#abandon);
  }

  /** Where this process ends in the middle: nodes end with their channel, but not one that stands still. */
  readonly #abandon = () => {
    for (const child of this.#nodes.values()) child.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  };

  /** Fabs that the mesh begins with. */
  get #begun(): readonly Fab[] {
    const { newcomers = {} } = this.#options;
    return this.fabs.filter((fab) => newcomers[fab] === undefined);
  }

  #writeConfig(fab: Fab): void {
    mkdirSync(join(this.folder, fab), { recursive: true });
    const only = this.#options.newcomers?.[fab];
    const members = only === undefined ? this.#begun : [fab, only];
    const peers = members
      .filter((peer) => peer !== fab)
      .map((peer) => ({ fab: peer, address: this.#links.get(`${fab}>${peer}`)!.address }));
    const more = { ...this.#options.config, ...this.#options.configOf?.(fab) };
    const elsewhere = Object.entries(this.#options.elsewhere ?? {});
    const config: PartialConfig = {
      ...more,
      fab,
      data_dir: this.dataFolder(fab),
      listen: { host: '127.0.0.1', port: this.#ports.get(fab)! },
      mesh: {
        members: [...members, ...elsewhere.map(([peer]) => peer)],
        peers: [...peers, ...elsewhere.map(([peer, address]) => ({ fab: peer, address }))],
      },
      sync: { reconnect_min_ms: 50, reconnect_max_ms: 500, heartbeat_ms: 1000, ...more.sync },
    };
    writeFileSync(this.configFile(fab), renderConfig(config));
  }
}
