import { addressOf, type DemoFab, type Dialled } from './fabs.ts';
import { type Link, openLink } from './link.ts';

/** A fab of the demo whose links to all others, both ways, can be cut. */
export class Outpost {
  readonly fab: DemoFab;
  /** Links by `from>to`. */
  readonly #links: ReadonlyMap<string, Link>;

  private constructor(fab: DemoFab, links: ReadonlyMap<string, Link>) {
    this.fab = fab;
    this.#links = links;
  }

  /** Opens the links of one of the fabs. */
  static async open(fabs: readonly DemoFab[], name: string): Promise<Outpost> {
    const fab = fabs.find((one) => one.fab === name)!;
    const links = new Map<string, Link>();
    for (const other of fabs) {
      if (other === fab) continue;
      links.set(`${other.fab}>${fab.fab}`, await openLink(fab.port));
      links.set(`${fab.fab}>${other.fab}`, await openLink(other.port));
    }
    return new Outpost(fab, links);
  }

  /** Where a fab dials another: by a link that can be cut, where there is one. */
  readonly dialled: Dialled = (from, to) =>
    this.#links.get(`${from.fab}>${to.fab}`)?.address ?? addressOf(to);

  cut(): void {
    for (const link of this.#links.values()) link.cut();
  }

  heal(): void {
    for (const link of this.#links.values()) link.heal();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#links.values()].map((link) => link.close()));
  }
}
