// Which part of an image is in view: ranges of columns or rows, zoomed and panned. A pixel reaches half a unit to either side
// of its number.

import type { Range } from "./stretch";

/** Fewest columns or rows that are shown. */
const FEWEST = 6;

export const span = ({ low, high }: Range): number => high - low;

/** The range, moved into the whole one; what is larger becomes the whole one. */
export function inside(range: Range, whole: Range): Range {
  const size = Math.min(Math.max(span(range), FEWEST), span(whole));
  const low = Math.min(Math.max((range.low + range.high - size) / 2, whole.low), whole.high - size);
  return { low, high: low + size };
}

/** Zoomed in by a factor about a place that stays where it is. */
export function zoomed(range: Range, factor: number, about: number, whole: Range): Range {
  const size = Math.max(span(range) / factor, Math.min(FEWEST, span(whole)));
  const share = (about - range.low) / span(range);
  return inside({ low: about - share * size, high: about + (1 - share) * size }, whole);
}

export const panned = (range: Range, by: number, whole: Range): Range => inside({ low: range.low + by, high: range.high + by }, whole);

/** Places for ticks: at most about so many, at 1, 2 or 5 times a power of ten. */
export function ticks({ low, high }: Range, most: number): number[] {
  const rough = (high - low) / Math.max(1, most);
  if (!(rough > 0) || !Number.isFinite(rough)) return [];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough) ?? rough;
  const found: number[] = [];
  for (let k = Math.ceil(low / step); k * step <= high; k++) found.push(Number((k * step).toPrecision(12)));
  return found;
}
