import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP link between two nodes that can be cut and healed at run time. */
export interface Link {
  /** host:port to dial. */
  readonly address: string;
  /** Ends what flows and refuses what comes. */
  cut(): void;
  heal(): void;
  close(): Promise<void>;
}

/** Listens on a free loopback port and passes everything on to `port`. */
export async function openLink(port: number): Promise<Link> {
  const sockets = new Set<Socket>();
  let open = true;
  const server: Server = createServer((near) => {
    if (!open) {
      near.destroy();
      return;
    }
    const far = connect({ host: '127.0.0.1', port });
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    near.pipe(far);
    far.pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const drop = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut: () => {
      open = false;
      drop();
    },
    heal: () => {
      open = true;
    },
    close: () =>
      new Promise((resolve) => {
        drop();
        server.close(() => resolve());
      }),
  };
}
