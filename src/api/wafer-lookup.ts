import { WafersyncError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import { isMesh } from '../wafer/document/mesh.ts';
import { askedWafer, formatWafer, type WaferKey } from '../wafer/wafer-key.ts';

/** The names of a wafer in a request. */
export interface WaferRequest {
  readonly wafer_id?: string | null;
  readonly lot?: string | null;
  readonly insertion?: string | null;
}

/** The key as a request names it. @throws WafersyncError `invalid` without a wafer id */
export function givenKey({ wafer_id, lot, insertion }: WaferRequest): WaferKey {
  if (!wafer_id) {
    throw new WafersyncError('invalid', 'wafer_id is empty', {
      hint: 'Name the wafer; lot and insertion narrow it.',
    });
  }
  return { waferId: wafer_id, lot: lot ?? '', insertion: insertion ?? '' };
}

/** The wafer that a request names, by its own id or one that it was corrected to. @throws WafersyncError `not-found`, `invalid` */
export function lookUpWafer(store: Store, request: WaferRequest): WaferKey {
  const key = givenKey(request);
  const [found, ...more] = store.waferNames.find(key);
  if (!found) {
    throw new WafersyncError('not-found', `wafer ${askedWafer(key)} is not known here`, {
      hint: 'It may not have arrived yet: `wafersync status` tells what is missing.',
    });
  }
  if (more.length > 0) {
    throw new WafersyncError('invalid', `${more.length + 1} wafers or more are called ${askedWafer(key)}`, {
      hint: `Name lot and insertion as well: ${[found, ...more].slice(0, 5).map(formatWafer).join(', ')}.`,
    });
  }
  return found;
}

/** The document that a request names; no name at all is the mesh's. @throws WafersyncError `not-found`, `invalid` */
export function lookUpDocument(store: Store, request: WaferRequest): WaferKey {
  const { wafer_id, lot, insertion } = request;
  const key = { waferId: wafer_id ?? '', lot: lot ?? '', insertion: insertion ?? '' };
  return isMesh(key) ? key : lookUpWafer(store, request);
}
