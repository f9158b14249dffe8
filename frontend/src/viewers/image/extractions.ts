// Which targets of a frame belong to one extraction.

/** One extraction's targets after another: a frame can be extracted with apertures of one's own besides. */
export function extractions<T extends { variant: string }>(overlays: readonly T[]): T[][] {
  const found = new Map<string, T[]>();
  for (const one of overlays) found.set(one.variant, [...(found.get(one.variant) ?? []), one]);
  return [...found.values()];
}
