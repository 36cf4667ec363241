import type { wafersync } from '../../gen/wafersync.js';
import { toNumber } from '../../wire/long.ts';
import { waferService } from '../../wire/services.ts';
import { changeLines, documentLines } from '../document-text.ts';
import { withNode } from '../node-client.ts';
import { type Terminal, table } from '../output.ts';
import { type Operation, type PatchOptions, patchText, pathsOf } from '../patch.ts';
import { editOf } from '../wafer/edit.ts';

/** Options of `wafersync mesh show`. */
export interface MeshOptions {
  /** host:port of a node. */
  readonly node: string;
  readonly json?: boolean;
}

/** Options of `wafersync mesh patch`. */
export type PatchMeshOptions = MeshOptions & PatchOptions;

/** Tells the rules of the mesh and the document that they come from. Resolves to the exit code. */
export async function showMesh(options: MeshOptions, terminal: Terminal): Promise<number> {
  const mesh = meshJson(await withNode(waferService, options.node, (wafers) => wafers.GetMesh({})));
  if (options.json) terminal.out(JSON.stringify(mesh));
  else {
    const { rules, document_json, version, etag } = mesh;
    const rows = rules.map((rule) => [
      rule.product === '*' ? 'any' : rule.product,
      rule.pattern,
      rule.policy,
      rule.built_in ? 'yes' : 'no',
    ]);
    const facts = `version ${version} of the rules, etag ${etag}`;
    const rulesTable = table(['PRODUCT', 'PATTERN', 'POLICY', 'BUILT IN'], rows);
    terminal.out([facts, '', rulesTable, '', ...documentLines(document_json)].join('\n'));
  }
  return 0;
}

/** Changes the document of the mesh. Resolves to the exit code. */
export async function patchMesh(
  options: PatchMeshOptions,
  operations: readonly Operation[],
  terminal: Terminal,
): Promise<number> {
  const patch_json = await patchText({ ...options, operations });
  const [before, answer] = await withNode(
    waferService,
    options.node,
    async (wafers) =>
      [await wafers.GetMesh({}), await wafers.PatchMesh({ ...editOf(options), patch_json })] as const,
  );
  const [version, etag, document_json] = [
    toNumber(answer.version),
    answer.etag ?? '',
    answer.document_json ?? '',
  ];
  if (options.json) {
    terminal.out(JSON.stringify({ version, etag, document_json }));
    return 0;
  }
  const changes = changeLines(before.document_json ?? '', document_json, pathsOf(patch_json));
  terminal.out([...changes, `version ${version} of the rules, etag ${etag}`].join('\n'));
  return 0;
}

/** Keys of `--json`: those of the proto. */
function meshJson(mesh: wafersync.v1.GetMeshResponse.$Properties) {
  return {
    document_json: mesh.document_json ?? '',
    version: toNumber(mesh.version),
    etag: mesh.etag ?? '',
    rules: (mesh.rules ?? []).map(({ product, pattern, policy, built_in }) => ({
      product: product ?? '',
      pattern: pattern ?? '',
      policy: policy ?? '',
      built_in: built_in ?? false,
    })),
  };
}
