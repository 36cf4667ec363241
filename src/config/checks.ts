import { isIPv4, isIPv6 } from 'node:net';
import { type FabId, fabId } from '../clocks/dot.ts';
import { WafersyncError } from '../errors.ts';
import { segmentsOf } from '../wafer/document/field.ts';

/** Longest host name, as DNS has it. */
const MAX_HOST_LENGTH = 253;

/** Checks a fab id. @throws WafersyncError `invalid` */
export function checkFab(text: string): FabId {
  try {
    return fabId(text);
  } catch (error) {
    const { hint } = WafersyncError.from(error);
    throw new WafersyncError('invalid', 'is not a fab id', { hint, cause: error });
  }
}

/** Checks a host to listen on. @throws WafersyncError `invalid` */
export function checkLoopback(host: string): string {
  if (host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'))) return host;
  throw new WafersyncError('invalid', 'is not a loopback address, and connections are not encrypted yet', {
    hint: 'Use 127.0.0.1, or reach the node through a tunnel that ends there.',
  });
}

/** Checks an IANA time zone. @throws WafersyncError `invalid` */
export function checkTimeZone(name: string): string {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return name;
  } catch (error) {
    throw new WafersyncError('invalid', 'is not a time zone', {
      hint: 'Use an IANA name such as Asia/Taipei, America/Phoenix or UTC.',
      cause: error,
    });
  }
}

/** Checks where spans are sent; empty for nowhere. @throws WafersyncError `invalid` */
export function checkCollector(text: string): string {
  if (text === '') return text;
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') {
    throw new WafersyncError('invalid', 'is not the URL of a collector', {
      hint: 'Write it like http://127.0.0.1:4318/v1/traces, without user and password.',
    });
  }
  if (url.protocol === 'http:') checkLoopback(url.hostname.replace(/^\[|\]$/g, ''));
  return text;
}

/** Checks a pattern of fields. @throws WafersyncError `invalid` */
export function checkPattern(pattern: string): string {
  try {
    if (segmentsOf(pattern).length > 0) return pattern;
  } catch (error) {
    const { hint } = WafersyncError.from(error);
    throw new WafersyncError('invalid', 'is not a pattern of fields', { hint, cause: error });
  }
  throw new WafersyncError('invalid', 'is not a pattern of fields', {
    hint: 'Write it like /disposition or /notes/**.',
  });
}

/** Checks `host:port`. @throws WafersyncError `invalid` */
export function checkAddress(address: string): string {
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(address);
  const [, ipv6, host, port] = match ?? [];
  const hostIsRight = ipv6 === undefined ? isHost(host ?? '') : isIPv6(ipv6);
  const portIsRight = Number(port) >= 1 && Number(port) <= 65_535;
  if (hostIsRight && portIsRight) return address;
  throw new WafersyncError('invalid', 'is not of the form host:port', {
    hint: 'Write it like 127.0.0.1:50052, node.example:50052 or [::1]:50052.',
  });
}

function isHost(host: string): boolean {
  const labels = host.split('.');
  if (labels.every((label) => /^\d+$/.test(label))) return isIPv4(host);
  return (
    host.length <= MAX_HOST_LENGTH &&
    labels.every((label) => /^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/.test(label))
  );
}
