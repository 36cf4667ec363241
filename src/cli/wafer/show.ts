import { toWireView } from '../../api/yield-views.ts';
import type { YieldView } from '../../wafer/views.ts';
import { waferService } from '../../wire/services.ts';
import { conflictTable, documentName } from '../conflicts/conflict-text.ts';
import { documentLines } from '../document-text.ts';
import { withNode } from '../node-client.ts';
import { counted, grouped, lack, printable, type Terminal } from '../output.ts';
import { mapLines } from './map-text.ts';
import { type MapJson, mapJson, type WaferJson, waferJson } from './wafer-json.ts';

/** Options that every command about a wafer has. */
export interface WaferOptions {
  /** host:port of a node. */
  readonly node: string;
  readonly lot?: string;
  readonly insertion?: string;
  readonly json?: boolean;
}

/** Options of `wafersync wafer show`. */
export interface ShowOptions extends WaferOptions {
  readonly map?: boolean;
  /** Absent: the one that the mesh document names for the product. */
  readonly view?: YieldView;
  /** Whether all insertions count. */
  readonly composite?: boolean;
}

/** Width of a map where no screen tells one. */
const DEFAULT_COLUMNS = 160;
/** Bins that are told. */
const MAX_BINS = 20;

/** Names of a wafer as a request has them. */
export function waferNames(wafer: string, { lot, insertion }: Pick<WaferOptions, 'lot' | 'insertion'>) {
  return { wafer_id: wafer, lot: lot ?? '', insertion: insertion ?? '' };
}

/** Tells a wafer: what was measured, what people say of it, and who has it. Resolves to the exit code. */
export async function showWafer(wafer: string, options: ShowOptions, terminal: Terminal): Promise<number> {
  const [found, map] = await withNode(waferService, options.node, async (wafers) => {
    const found = waferJson(await wafers.GetWafer(waferNames(wafer, options)));
    const { wafer_id, lot, insertion } = found;
    const view = options.view ? { view: toWireView(options.view) } : {};
    const request = { wafer_id, lot, insertion, ...view, composite: options.composite ?? false };
    return [found, mapJson(await wafers.GetWaferMap(request))] as const;
  });
  if (options.json) {
    const { dies, ...counts } = map;
    terminal.out(JSON.stringify({ ...found, map: options.map ? { ...counts, dies } : counts }));
    return 0;
  }
  const { columns, colours } = terminal.screen ?? { columns: DEFAULT_COLUMNS, colours: false };
  const lines = [...factLines(found), ...yieldLines(map), '', ...documentLines(found.document_json)];
  lines.push(...conflictLines(found));
  if (options.map) lines.push('', ...mapLines(map, { columns, colours }));
  terminal.out(lines.join('\n'));
  return 0;
}

function factLines(wafer: WaferJson): string[] {
  const product = wafer.product ? printable(`, product ${wafer.product}`) : '';
  return [
    `wafer ${documentName(wafer)}${product}${wafer.retired ? ', RETIRED' : ''}`,
    `version ${wafer.version}, etag ${wafer.etag}`,
    stateLine(wafer),
    `${counted(wafer.attempts, 'attempt')} with ${counted(wafer.results, 'result')}`,
  ];
}

function stateLine({ state, synced_fabs, missing_fabs, open_conflicts }: WaferJson): string {
  const open = state === 'conflict' ? `, ${grouped(open_conflicts)} open for a person` : '';
  const missing =
    missing_fabs.length > 0 ? `; ${missing_fabs.join(' ')} ${lack(missing_fabs)} some of it` : '';
  return `${state}${open}: ${synced_fabs.join(' ') || 'no fab'} ${synced_fabs.length > 1 ? 'have' : 'has'} all that is known here${missing}`;
}

function yieldLines(map: MapJson): string[] {
  const { view, composite, parts, passed, failed, hard_bins } = map;
  if (parts === 0) return ['no part was tested'];
  const judged = passed + failed;
  const rate = judged === 0 ? 'unknown' : `${((passed / judged) * 100).toFixed(2)} %`;
  const name = composite ? `${view}, all insertions` : view;
  const bins = hard_bins.map((one) => `${one.bin ?? 'without a bin'}: ${grouped(one.parts)}`);
  const more = bins.length > MAX_BINS ? `, and ${counted(bins.length - MAX_BINS, 'other')}` : '';
  return [
    `yield (${name}) ${rate}, ${grouped(passed)} passed, ${grouped(failed)} failed of ${grouped(parts)}`,
    ...(bins.length > 0
      ? [`hard ${bins.length === 1 ? 'bin' : 'bins'} (${name}) ${bins.slice(0, MAX_BINS).join(', ')}${more}`]
      : []),
  ];
}

function conflictLines({ conflicts, open_conflicts, ruled_conflicts }: WaferJson): string[] {
  if (conflicts.length === 0) return ['', 'no conflicts stand'];
  const more = open_conflicts + ruled_conflicts - conflicts.length;
  return [
    '',
    conflictTable(conflicts, false),
    ...(more > 0 ? [`and ${counted(more, 'other')}: \`wafersync conflicts list\` tells all`] : []),
  ];
}
