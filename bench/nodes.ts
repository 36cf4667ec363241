import { type ChildProcess, fork } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { renderConfig } from '../src/config/render.ts';
import { freePorts } from '../test/support/free-ports.ts';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));

/** Jiffies a second, as the kernel counts CPU time. */
const TICKS = 100;

/** Built nodes as processes of their own, dialling each other without anything between. */
export class BenchNodes {
  readonly #folder = mkdtempSync(join(tmpdir(), 'wafersync-bench-'));
  readonly #ports = new Map<string, number>();
  readonly #metricsPorts = new Map<string, number>();
  readonly #children = new Map<string, ChildProcess>();

  /**
   * Starts the fabs.
   * @param through what a node dials to reach an address; absent: the address itself
   * @param metrics whether metrics are served
   */
  static async start(
    fabs: readonly string[],
    through: (address: string) => Promise<string> = (address) => Promise.resolve(address),
    metrics = false,
  ): Promise<BenchNodes> {
    const nodes = new BenchNodes();
    const ports = await freePorts(2 * fabs.length);
    for (const [i, fab] of fabs.entries()) {
      nodes.#ports.set(fab, ports[2 * i]!);
      if (metrics) nodes.#metricsPorts.set(fab, ports[2 * i + 1]!);
    }
    for (const fab of fabs) await nodes.#configure(fab, fabs, through);
    await Promise.all(fabs.map((fab) => nodes.startFab(fab)));
    return nodes;
  }

  address(fab: string): string {
    return `127.0.0.1:${this.#ports.get(fab)}`;
  }

  /** Where the metrics of a fab are. */
  metricsUrl(fab: string): string {
    return `http://127.0.0.1:${this.#metricsPorts.get(fab)}/metrics`;
  }

  database(fab: string): string {
    return join(this.#folder, fab, 'wafersync.db');
  }

  /** Bytes of a node's database and its write-ahead log. */
  diskBytes(fab: string): number {
    const files = [this.database(fab), `${this.database(fab)}-wal`];
    return files.reduce((sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0), 0);
  }

  /** CPU seconds a node has used, and its resident memory in bytes. Linux only. */
  usage(fab: string): { readonly cpuSeconds: number; readonly rssBytes: number } {
    const pid = this.#children.get(fab)?.pid;
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const rss = Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
    return { cpuSeconds: (Number(stat[11]) + Number(stat[12])) / TICKS, rssBytes: rss };
  }

  /** Stops one fab in order. */
  async stopFab(fab: string): Promise<void> {
    const child = this.#children.get(fab);
    this.#children.delete(fab);
    if (child) await ended(child);
  }

  /** Kills one fab: nothing of it is closed. */
  async kill(fab: string): Promise<void> {
    const child = this.#children.get(fab);
    this.#children.delete(fab);
    if (child) await ended(child, 'SIGKILL');
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#children.values()].map((child) => ended(child)));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #configure(fab: string, fabs: readonly string[], through: (address: string) => Promise<string>) {
    mkdirSync(join(this.#folder, fab));
    const others = fabs.filter((peer) => peer !== fab);
    const peers = await Promise.all(
      others.map(async (peer) => ({ fab: peer, address: await through(this.address(peer)) })),
    );
    const listen = { host: '127.0.0.1', port: this.#ports.get(fab)! };
    const mesh = { members: [...fabs], peers };
    const metrics = { port: this.#metricsPorts.get(fab) ?? 0 };
    writeFileSync(
      this.#file(fab),
      renderConfig({ fab, data_dir: '.', listen, mesh, metrics, log: { level: 'error' } }),
    );
  }

  #file(fab: string): string {
    return join(this.#folder, fab, 'wafersync.yaml');
  }

  /** Starts a fab that is configured and not running; resolves once it serves. */
  async startFab(fab: string): Promise<void> {
    const child = fork(MAIN, ['serve', '--config', this.#file(fab)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#children.set(fab, child);
    await new Promise<void>((resolve, reject) => {
      child.once('message', () => resolve());
      child.once('exit', (code) => reject(new Error(`${fab} ended with ${code}`)));
    });
  }
}

function ended(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill(signal);
  });
}
