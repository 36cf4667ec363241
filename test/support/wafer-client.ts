import { type ClientOf, makeClient } from '../../src/api/client.ts';
import type { wafersync } from '../../src/gen/wafersync.js';
import { conflictService, syncMonitor, waferService } from '../../src/wire/services.ts';

type V1 = typeof wafersync.v1;
/** A conflict as a node tells it. */
export type Conflict = InstanceType<V1['Conflict']>;
/** A wafer as a node tells it. */
export type Wafer = InstanceType<V1['GetWaferResponse']>;

/** What a person does at the node of a fab. */
export class Person {
  readonly address: string;
  readonly wafers: ClientOf<typeof waferService.methods>;
  readonly #conflicts: ClientOf<typeof conflictService.methods>;
  readonly #monitor: ClientOf<typeof syncMonitor.methods>;

  constructor(address: string) {
    this.address = address;
    this.wafers = makeClient(waferService, address);
    this.#conflicts = makeClient(conflictService, address);
    this.#monitor = makeClient(syncMonitor, address);
  }

  wafer(wafer_id: string): Promise<Wafer> {
    return this.wafers.GetWafer({ wafer_id }) as Promise<Wafer>;
  }

  async document(wafer_id: string): Promise<Record<string, unknown>> {
    return JSON.parse((await this.wafer(wafer_id)).document_json) as Record<string, unknown>;
  }

  patch(wafer_id: string, operations: readonly object[], author = ''): Promise<unknown> {
    return this.wafers.PatchWafer({
      wafer_id,
      lot: 'L1',
      create: true,
      patch_json: JSON.stringify(operations),
      author,
    });
  }

  async conflicts(wafer_id = ''): Promise<Conflict[]> {
    const found: Conflict[] = [];
    for await (const { conflict } of this.#conflicts.ListConflicts({ wafer_id }))
      found.push(conflict as Conflict);
    return found;
  }

  resolve(id: string, fab: string, sequence: unknown, author = 'pat'): Promise<unknown> {
    const choose = { fab_id: fab, sequence: sequence as never };
    return this.#conflicts.ResolveConflict({ id, choose, author, reason: 'looked at it' });
  }

  async explain(wafer_id: string, field: string): Promise<readonly string[]> {
    return (await this.#conflicts.ExplainField({ wafer_id, field })).lines ?? [];
  }

  /** Settles once something holds at the node; looked at whenever the node tells of a change. */
  async until(holds: () => Promise<boolean>): Promise<void> {
    for await (const _ of this.#monitor.WatchNode({ min_interval_ms: 20 })) if (await holds()) return;
    throw new Error(`the watch of ${this.address} ended`);
  }

  close(): void {
    for (const client of [this.wafers, this.#conflicts, this.#monitor]) client.close();
  }
}
