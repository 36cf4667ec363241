import { WafersyncError } from '../errors.ts';
import { wafersync } from '../gen/wafersync.js';
import { YIELD_VIEWS, type YieldView } from '../wafer/views.ts';

const Views = wafersync.v1.YieldView;

const ON_THE_WIRE: Readonly<Record<YieldView, wafersync.v1.YieldView>> = {
  last: Views.YIELD_VIEW_LAST,
  first: Views.YIELD_VIEW_FIRST,
  best: Views.YIELD_VIEW_BEST,
  worst: Views.YIELD_VIEW_WORST,
  flagged: Views.YIELD_VIEW_FLAGGED,
  raw: Views.YIELD_VIEW_RAW,
};

/** A view as the contract names it. */
export function toWireView(view: YieldView): wafersync.v1.YieldView {
  return ON_THE_WIRE[view];
}

/**
 * The view that the contract's value names; the last attempt for one that is not given.
 * @throws WafersyncError `invalid` for a view that this version does not know
 */
export function fromWireView(value: number): YieldView {
  if (value === Views.YIELD_VIEW_UNSPECIFIED) return 'last';
  const found = YIELD_VIEWS.find((view) => ON_THE_WIRE[view] === value);
  if (found) return found;
  const known = YIELD_VIEWS.map((view) => Views[ON_THE_WIRE[view]]);
  throw new WafersyncError('invalid', `view ${value} is not known`, { hint: `Ask for ${known.join(', ')}.` });
}
