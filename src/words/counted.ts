/** 12345678 → 12,345,678. */
export function grouped(value: number): string {
  return value.toLocaleString('en-US');
}

/** 1 die, 2 dies. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${grouped(count)} ${count === 1 ? one : many}`;
}

/** What fabs do that lack something: `lacks` of one, else `lack`. */
export function lack(fabs: readonly unknown[]): string {
  return fabs.length === 1 ? 'lacks' : 'lack';
}
