import { connect, createServer, type Socket } from 'node:net';
import { BenchNodes } from './nodes.ts';

/** Two fabs with counted bytes between them. */
export interface Counted {
  readonly nodes: BenchNodes;
  /** Bytes that flowed between the fabs, both ways, since the last reset. */
  bytes(): number;
  reset(): void;
  stop(): Promise<void>;
}

/** Starts tw and az, which reach each other only through a link that counts. */
export async function countBytes(): Promise<Counted> {
  let bytes = 0;
  const links = new Map<string, ReturnType<typeof createServer>>();
  const addressFor = async (to: string): Promise<string> => {
    const [host, port] = to.split(':') as [string, string];
    const server = createServer((near) => {
      const far = connect(Number(port), host);
      join(near, far, (length) => {
        bytes += length;
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    links.set(to, server);
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('a link has no port');
    return `127.0.0.1:${address.port}`;
  };
  const nodes = await BenchNodes.start(['tw', 'az'], addressFor);
  return {
    nodes,
    bytes: () => bytes,
    reset: () => {
      bytes = 0;
    },
    stop: async () => {
      await nodes.stop();
      for (const server of links.values()) server.close();
    },
  };
}

function join(near: Socket, far: Socket, count: (length: number) => void): void {
  for (const [from, to] of [
    [near, far],
    [far, near],
  ] as const) {
    from.on('data', ({ length }: Uint8Array) => count(length));
    from.on('error', () => to.destroy());
    from.on('close', () => to.destroy());
    from.pipe(to);
  }
}
