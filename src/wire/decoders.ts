import { decodeAttemptTable } from '../wafer/payload/decode.ts';
import { stubPayload } from '../wafer/payload/stub.ts';
import { decodeEdit } from './edit.ts';
import { decodeHeader } from './header.ts';
import { decodePurge } from './purge.ts';
import { decodeRunRecord } from './run-record.ts';

/** How this version reads what updates carry. */
export const decoders = {
  readAttempts: decodeAttemptTable,
  decodeEdit,
  decodeHeader,
  decodeRunRecord,
  decodePurge,
  stubPayload,
} as const;
