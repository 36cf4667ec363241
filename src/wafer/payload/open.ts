import { WafersyncError } from '../../errors.ts';
import { ByteReader } from '../bytes.ts';
import { MAX_UPDATE_BYTES } from '../update.ts';
import { readResultCounts } from './attempt-table.ts';
import { type Layout, readLayout } from './layout.ts';
import { PAYLOAD_VERSION } from './limits.ts';
import { PackedColumns } from './packed-columns.ts';
import { readSection } from './section.ts';
import { decodeTimes } from './times.ts';

/** A payload of which the version and the beginning of the attempt table are read. */
export interface OpenPayload {
  /** How many results each attempt has. */
  readonly resultCounts: Uint32Array;
  /** The rest of the attempt table. */
  readonly table: ByteReader;
  /** All sections behind the attempt table. */
  readonly rest: ByteReader;
}

/** The results of a payload, values still packed. */
export interface OpenResults extends Layout {
  /** Times of each attempt's results; null where it has none. */
  readonly times: readonly (Float64Array | null)[];
  readonly packed: PackedColumns;
}

/** Opens a payload. @throws WafersyncError `damaged`; `precondition` where a newer version made it */
export function openPayload(payload: Uint8Array): OpenPayload {
  const rest = new ByteReader(payload, 'payload');
  if (payload.length > MAX_UPDATE_BYTES) throw rest.damaged(`${payload.length} bytes are too many`);
  const version = rest.u8();
  if (version === 0) throw rest.damaged('no layout has version 0');
  if (version > PAYLOAD_VERSION) {
    throw new WafersyncError(
      'precondition',
      `the payload has layout ${version}, known here are up to ${PAYLOAD_VERSION}`,
      {
        hint: 'Upgrade this node.',
      },
    );
  }
  const table = readSection(rest, 'attempt table');
  return { table, resultCounts: readResultCounts(table), rest };
}

/** Opens the results; to be called once. @throws WafersyncError `damaged` */
export function openResults({ rest, resultCounts }: OpenPayload): OpenResults {
  const layout = readLayout(readSection(rest, 'payload layout'), resultCounts);
  const times = decodeTimes(readSection(rest, 'payload times'), resultCounts, layout.shapes, layout.grid);
  const heads = readSection(rest, 'payload heads');
  return { ...layout, times, packed: new PackedColumns(heads, rest, layout.grid.columns, layout.starts) };
}
