import { sequence } from '../../src/clocks/dot.ts';
import { timestampAt } from '../../src/clocks/hlc.ts';
import { wafersync } from '../../src/gen/wafersync.js';
import type { Store } from '../../src/store/store.ts';
import { type Update, updateDigest } from '../../src/wafer/update.ts';
import { decodeHeader, encodeHeader } from '../../src/wire/header.ts';
import type { Dice } from './dice.ts';

/** A kind of updates that no version knows. */
const NO_KIND = 77;

/** A well sealed update of which a field is unknown, and that cannot be folded or whose kind nobody knows. */
export function poisonous(what: 'payload' | 'kind', store: Store, nowMs: number, dice: Dice): Update {
  const header = encodeHeader({
    dot: { ...store.origin, sequence: sequence(store.nextSequence()) },
    timestamp: timestampAt(nowMs),
    kind: 'edit',
    wafer: { lot: 'L1', waferId: 'W1', insertion: 'CP1' },
    version: 1,
    run: null,
    program: null,
  });
  const { UpdateHeader } = wafersync.v1;
  const message = UpdateHeader.decode(header);
  const headerBytes = Buffer.concat([
    UpdateHeader.encode({
      ...message,
      kind: what === 'kind' ? (NO_KIND as typeof message.kind) : message.kind,
    }).finish(),
    // Field 200, a varint: of a later version.
    Buffer.from([0xc0, 0x0c, 0x01]),
  ]);
  // No message begins with a field of wire type 7.
  const payload = Buffer.concat([Buffer.from([0x0f]), dice.bytes(dice.int(40))]);
  return {
    header: decodeHeader(headerBytes),
    headerBytes,
    payload,
    digest: updateDigest(headerBytes, payload),
  };
}
