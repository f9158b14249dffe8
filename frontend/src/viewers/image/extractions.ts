// Which targets of a frame belong to one extraction.

/** One extraction's targets after another: numbers begin anew where a frame was extracted more than once. */
export function extractions<T extends { target: number | null }>(overlays: T[]): T[][] {
  const found: T[][] = [];
  let last = Infinity;
  for (const one of overlays) {
    const number = one.target ?? 1;
    if (number <= last) found.push([]);
    found[found.length - 1]?.push(one);
    last = number;
  }
  return found;
}
