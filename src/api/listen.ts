import { WafersyncError } from '../errors.ts';

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1)$/;

/**
 * Address to listen on, as grpc-js takes it. Loopback only: there is no TLS yet.
 * @throws WafersyncError `invalid`
 */
export function listenAddress(host: string, port: number): string {
  if (!LOOPBACK.test(host)) {
    throw new WafersyncError('invalid', `listen.host ${JSON.stringify(host)} is not a loopback address`, {
      hint: 'Set listen.host to 127.0.0.1: connections are not encrypted, so they stay on this machine.',
    });
  }
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new WafersyncError('invalid', `listen.port ${port} is not a port`, {
      hint: 'Set listen.port to a whole number between 1 and 65535.',
    });
  }
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** What went wrong when listening, in words. grpc-js passes the system's code in its text only. */
export function listenError(error: Error, host: string, port: number, key = 'listen'): WafersyncError {
  const where = `port ${port} on ${host}`;
  if (error.message.includes('EADDRINUSE')) {
    return new WafersyncError('unavailable', `${where} is taken`, {
      hint: `Stop the other process or set ${key}.port.`,
      cause: error,
    });
  }
  if (error.message.includes('EACCES')) {
    return new WafersyncError('precondition', `${where} may not be opened by this user`, {
      hint: `Set ${key}.port to 1024 or above.`,
      cause: error,
    });
  }
  return new WafersyncError('unavailable', `cannot listen on ${where}: ${error.message}`, {
    hint: `Check ${key}.host and ${key}.port.`,
    cause: error,
  });
}
