import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { loadConfig } from '../../src/config/load.ts';
import { type PartialConfig, renderConfig } from '../../src/config/render.ts';
import { type Log, silentLog } from '../../src/log.ts';
import { startNode, type WafersyncNode } from '../../src/node.ts';
import { realWorld, type World } from '../../src/world.ts';
import { freePorts } from './free-ports.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** A node in this process. */
export interface LocalNode extends WafersyncNode {
  /** host:port. */
  readonly address: string;
  readonly dataFolder: string;
  readonly configFile: string;
}

/** What a test may say about its nodes. */
export interface LocalOptions {
  readonly world?: World;
  readonly log?: Log;
  /** Keys of the configuration besides those that are set here. */
  readonly config?: Pick<PartialConfig, 'api' | 'intake'>;
  /** Before the nodes are stopped. */
  readonly beforeStop?: () => void;
}

/** Nodes in this process, fully meshed over gRPC on loopback, each with its own database; stopped when the test ends. */
export async function startNodes(
  t: TestContext,
  fabs: readonly string[],
  { world = realWorld, log = silentLog, config = {}, beforeStop = () => {} }: LocalOptions = {},
): Promise<LocalNode[]> {
  const folder = temporaryFolder(t);
  const ports = await freePorts(fabs.length);
  const address = (i: number) => `127.0.0.1:${ports[i]}`;
  const nodes: LocalNode[] = [];
  t.after(async () => {
    beforeStop();
    await Promise.all(nodes.map((node) => node.stop()));
  });
  for (const [i, fab] of fabs.entries()) {
    const dataFolder = join(folder, fab);
    mkdirSync(dataFolder);
    const file = join(dataFolder, 'wafersync.yaml');
    const peers = fabs
      .map((peer, j) => ({ fab: peer, address: address(j) }))
      .filter((peer) => peer.fab !== fab);
    const text = renderConfig({
      fab,
      data_dir: '.',
      listen: { port: ports[i]! },
      mesh: { members: [...fabs], peers },
      sync: { reconnect_min_ms: 50, reconnect_max_ms: 500 },
      ...config,
    });
    writeFileSync(file, text);
    const node = await startNode(loadConfig(file, {}), { world, log, version: 'test' });
    let stopped: Promise<void> | null = null;
    const stop = () => (stopped ??= node.stop());
    nodes.push({ ...node, stop, address: address(i), dataFolder, configFile: file });
  }
  return nodes;
}
