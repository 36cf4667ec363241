/** Why a connection failed, in words, by the system's code. */
const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ENOTFOUND: 'the name is not known',
  ETIMEDOUT: 'no answer in time',
};

/** What grpc-js says of a call that never had a connection. */
const NEVER_CONNECTED = /^(No connection established|Name resolution failed|.*\bECONNREFUSED\b)/;

/** Whether grpc-js says that there never was a connection. */
export function neverConnected(details: string): boolean {
  return NEVER_CONNECTED.test(details);
}

/** What grpc-js says of a connection, in words; any other text as it is. */
export function plainly(details: string): string {
  return neverConnected(details) ? `no node answers there${reasonOf(details)}` : details;
}

/** What can be done where nobody answers; empty where grpc-js says something else. @param address host:port, where it is known */
export function remedyOf(details: string, peer: string, address: string | null): string {
  if (!neverConnected(details)) return '';
  const where = address === null ? '' : ` (${address})`;
  return `Start the node of ${peer}, or correct its address${where} or the tunnel that begins there.`;
}

/** The reason in what grpc-js says, in parentheses; empty where it gives none. */
export function reasonOf(details: string): string {
  const code = /\bE[A-Z]{3,}\b/.exec(details)?.[0];
  if (code) return ` (${REASONS[code] ?? code})`;
  return details.startsWith('Name resolution failed') ? ` (${REASONS.ENOTFOUND})` : '';
}
