/** A yield for people; a dash where there is none. */
export function percent(value: number | null): string {
  return value === null ? '-' : `${(value * 100).toFixed(2)} %`;
}
