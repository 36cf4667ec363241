import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { listenError } from '../../api/listen.ts';
import type { Log } from '../../log.ts';

/** Connections at once; a further one is closed. */
const MAX_CONNECTIONS = 16;

/** How long a client may take to send its request, milliseconds. */
const REQUEST_MS = 5_000;

/** How long a connection on which nothing is asked stays open, milliseconds: longer than from scrape to scrape. */
const KEEP_ALIVE_MS = 75_000;

/** Bytes of the head of a request. */
const MAX_HEAD_BYTES = 8_192;

/** What is served. */
export interface MetricsSource {
  readonly contentType: string;
  text(): Promise<string>;
}

/** Where metrics are served. */
export interface MetricsServer {
  readonly port: number;
  /** Closes all connections. */
  close(): Promise<void>;
}

/**
 * Serves metrics over HTTP, at /metrics.
 * @throws WafersyncError `unavailable` for a port that is taken, `precondition` for one that may not be opened
 */
export function serveMetrics(
  source: MetricsSource,
  { host, port }: { readonly host: string; readonly port: number },
  log: Log,
): Promise<MetricsServer> {
  const bounds = {
    requestTimeout: REQUEST_MS,
    headersTimeout: REQUEST_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: REQUEST_MS,
    maxHeaderSize: MAX_HEAD_BYTES,
  };
  const server = createServer(bounds, (request, response) => {
    void answer(source, request, response, log);
  });
  server.maxConnections = MAX_CONNECTIONS;
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, host, port, 'metrics')));
    server.listen({ host, port }, () => {
      server.on('error', (error) => log.error('metrics.failed', {}, error));
      resolve({ port: portOf(server), close: () => close(server) });
    });
  });
}

async function answer(
  source: MetricsSource,
  { method, url = '' }: IncomingMessage,
  response: ServerResponse,
  log: Log,
): Promise<void> {
  if (method !== 'GET') return refuse(response, 405, 'Only GET is answered here.', { allow: 'GET' });
  if (url.split('?')[0] !== '/metrics') return refuse(response, 404, 'The metrics are at /metrics.');
  try {
    const text = await source.text();
    response.writeHead(200, {
      'content-type': source.contentType,
      'content-length': Buffer.byteLength(text),
    });
    response.end(text);
  } catch (thrown) {
    log.error('metrics.failed', {}, thrown);
    refuse(response, 500, 'The metrics could not be read; the log of the node says why.');
  }
}

function refuse(response: ServerResponse, status: number, words: string, head = {}): void {
  // What else the client sends of its request is not read.
  response.writeHead(status, { ...head, 'content-type': 'text/plain; charset=utf-8', connection: 'close' });
  response.end(`${words}\n`);
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
