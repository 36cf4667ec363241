import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

interface Attribute {
  readonly key: string;
  readonly value: {
    readonly stringValue?: string;
    readonly intValue?: number | string;
    readonly boolValue?: boolean;
  };
}

interface SpanMessage {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly Attribute[];
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
}

interface TraceRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly SpanMessage[] }[];
  }[];
}

/** A span that came. */
export interface ReceivedSpan {
  /** Fab that sent it. */
  readonly fab: string;
  readonly service: string;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for the first of a trace. */
  readonly parentId: string;
  readonly name: string;
  /** Spans that it is linked to, each as its trace and its own id. */
  readonly links: readonly string[];
  /** Microseconds since 1970. */
  readonly beganUs: number;
  readonly endedUs: number;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** A collector of OTLP over HTTP with JSON, which keeps what comes. */
export class OtlpReceiver {
  readonly spans: ReceivedSpan[] = [];
  readonly endpoint: string;
  #wake = () => {};

  private constructor(endpoint: string) {
    this.endpoint = endpoint;
  }

  static async start(t: TestContext): Promise<OtlpReceiver> {
    const server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      receiver.#take(JSON.parse(Buffer.concat(chunks).toString('utf8')));
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end('{}');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const receiver = new OtlpReceiver(`http://127.0.0.1:${port}/v1/traces`);
    return receiver;
  }

  /** Settles once there are spans for which this holds. */
  async until(enough: (spans: readonly ReceivedSpan[]) => boolean): Promise<void> {
    while (!enough(this.spans)) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #take({ resourceSpans }: TraceRequest): void {
    for (const { resource, scopeSpans } of resourceSpans) {
      const about = factsOf(resource.attributes);
      const spans = scopeSpans.flatMap((scope) => scope.spans);
      this.spans.push(...spans.map((span) => received(span, about)));
    }
    this.#wake();
  }
}

function received(span: SpanMessage, about: Readonly<Record<string, unknown>>): ReceivedSpan {
  const { traceId, spanId, parentSpanId = '', name } = span;
  return {
    fab: String(about['wafersync.fab']),
    service: String(about['service.name']),
    ...{ traceId, spanId, parentId: parentSpanId, name },
    links: (span.links ?? []).map((link) => `${link.traceId} ${link.spanId}`),
    beganUs: microseconds(span.startTimeUnixNano),
    endedUs: microseconds(span.endTimeUnixNano),
    facts: factsOf(span.attributes),
  };
}

function microseconds(nanoseconds: string): number {
  return Number(BigInt(nanoseconds) / 1000n);
}

function factsOf(attributes: readonly Attribute[]): Record<string, unknown> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.stringValue ?? value.boolValue ?? Number(value.intValue)]),
  );
}
