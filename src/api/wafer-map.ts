import type { wafersync } from '../gen/wafersync.js';
import { documentOf } from '../store/documents.ts';
import type { Store } from '../store/store.ts';
import type { BinCount } from '../store/yields.ts';
import { isObject, type Json } from '../wafer/document/json.ts';
import type { Verdict, YieldView } from '../wafer/views.ts';
import type { WaferKey } from '../wafer/wafer-key.ts';
import { fromNumber } from '../wire/long.ts';
import { toWireView } from './yield-views.ts';

type WaferMap = wafersync.v1.GetWaferMapResponse.$Properties;
type MapDie = wafersync.v1.MapDie.$Properties;

/** Branches of the document with a member for each die, and of the conflicts about dies. */
const BY_DIE = ['rebins', 'ink_offs', 'verdicts'];

/** The dies of a wafer by a view, and what people say of them. */
export function waferMap(store: Store, key: WaferKey, view: YieldView, composite: boolean): WaferMap {
  const marks = new DieMarks(store, key);
  const named = {
    wafer_id: key.waferId,
    lot: key.lot,
    view: toWireView(view),
    orientation: marks.orientation,
  };
  if (composite) {
    const all = store.yields.composite(key, view);
    const dies = all.dies.flatMap(({ x, y, passed }) =>
      x === null || y === null ? [] : [{ x, y, ...verdict(passed), ...marks.of(x, y) }],
    );
    return { ...named, composite: true, ...counts(all.yield), dies };
  }
  const bins = store.yields.bins(key, view);
  return {
    ...named,
    insertion: key.insertion,
    ...counts(store.yields.of(key, view)),
    hard_bins: bins.hard.map(toBinCount),
    soft_bins: bins.soft.map(toBinCount),
    dies: store.yields.dies(key, view).map(({ x, y, attempts, hardBin, softBin, passed }) => ({
      ...{ x, y, attempts, hard_bin: hardBin, soft_bin: softBin },
      ...verdict(passed),
      ...marks.of(x, y),
    })),
  };
}

/** What people say of the dies of a wafer, and which of them are in dispute. */
class DieMarks {
  readonly orientation: string;
  readonly #branches: ReadonlyMap<string, { readonly [die: string]: Json }>;
  readonly #disputed: ReadonlySet<string>;

  constructor(store: Store, key: WaferKey) {
    const document = documentOf(store.documents.of(key));
    const branch = (name: string) => (isObject(document) && isObject(document[name]) ? document[name] : {});
    this.#branches = new Map(BY_DIE.map((name) => [name, branch(name)]));
    this.orientation = isObject(document) ? String(document.orientation ?? '') : '';
    const fields = store.conflicts.fieldsOf(key).map((field) => field.split('/'));
    this.#disputed = new Set(
      fields.flatMap(([, name, die]) => (die && BY_DIE.includes(name ?? '') ? [die] : [])),
    );
  }

  of(x: number, y: number): Pick<MapDie, 'disputed' | 'rebin' | 'inked' | 'verdict'> {
    const die = `${x},${y}`;
    const rebin = this.#branches.get('rebins')?.[die];
    const given = this.#branches.get('verdicts')?.[die];
    const inked = this.#branches.get('ink_offs')?.[die];
    return {
      disputed: this.#disputed.has(die),
      inked: inked !== undefined && inked !== false,
      ...(typeof rebin === 'number' ? { rebin } : {}),
      ...(given === undefined ? {} : { verdict: given === 'pass' }),
    };
  }
}

function verdict(passed: Verdict): Pick<MapDie, 'passed'> {
  return passed === null ? {} : { passed };
}

function counts({ parts, passed, failed }: { parts: number; passed: number; failed: number }) {
  return { parts: fromNumber(parts), passed: fromNumber(passed), failed: fromNumber(failed) };
}

function toBinCount({ bin, parts }: BinCount): wafersync.v1.BinCount.$Properties {
  return { bin, parts: fromNumber(parts) };
}
