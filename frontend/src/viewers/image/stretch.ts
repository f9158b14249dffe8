// From a pixel's value to a place in the colour map: the limits, the stretch between them, and the table of both.

import { step, value, type Grid } from "../container";

export const STRETCHES = ["linear", "sqrt", "log", "asinh"] as const;
export type Stretch = (typeof STRETCHES)[number];

export const LIMITS = ["zscale", "99.5", "99", "95", "minmax", "typed"] as const;
export type LimitMode = (typeof LIMITS)[number];

export interface Range {
  low: number;
  high: number;
}

/** 0 … 1 of 0 … 1; logarithm and asinh with the constants of SAOImage DS9 (1000 and 10). */
export function stretched(name: Stretch, x: number): number {
  if (name === "sqrt") return Math.sqrt(x);
  if (name === "log") return Math.log1p(1000 * x) / Math.log1p(1000);
  return name === "asinh" ? Math.asinh(10 * x) / Math.asinh(10) : x;
}

/** The inverse of {@link stretched}: where the ticks of the colour bar are. */
export function unstretched(name: Stretch, y: number): number {
  if (name === "sqrt") return y * y;
  if (name === "log") return Math.expm1(y * Math.log1p(1000)) / 1000;
  return name === "asinh" ? Math.sinh(y * Math.asinh(10)) / 10 : y;
}

/** The colour of each of the 65536 steps of a grid. */
export function lookup(grid: Grid, { low, high }: Range, stretch: Stretch, colours: Uint32Array): Uint32Array {
  const table = new Uint32Array(65536);
  const first = Math.max(0, Math.min(65536, Math.ceil(step(grid, low))));
  const last = Math.max(first, Math.min(65536, Math.ceil(step(grid, high))));
  const span = high - low || 1;
  table.fill(colours[0] as number, 0, first);
  for (let at = first; at < last; at++) {
    const x = Math.min(1, Math.max(0, (value(grid, at) - low) / span));
    table[at] = colours[Math.round(255 * stretched(stretch, x))] as number;
  }
  return table.fill(colours[255] as number, last);
}

/** The step below which a share (0 … 1) of the counted pixels lies. */
export function quantile(histogram: Uint32Array, share: number): number {
  const total = histogram.reduce((sum, count) => sum + count, 0);
  const wanted = share * (total - 1);
  let sum = 0;
  for (let at = 0; at < histogram.length; at++) {
    sum += histogram[at] as number;
    if (sum > wanted) return at;
  }
  return 0;
}

const SAMPLES = 1000;
const CONTRAST = 0.25;
const REJECT = 2.5;

/** Values at even distances through an image; `skip` are mask bits whose pixels tell nothing about it. */
export function sampled(grid: Grid, mask: Uint8Array | null, skip: number, most = SAMPLES): Float64Array {
  const stride = Math.max(1, Math.floor(grid.steps.length / most));
  const found: number[] = [];
  for (let at = 0; at < grid.steps.length && found.length < most; at += stride) {
    if (!mask || !((mask[at] as number) & skip)) found.push(value(grid, grid.steps[at] as number));
  }
  return Float64Array.from(found);
}

/**
 * Display limits about the median that show the sky's noise: IRAF's zscale (images.tv.display, NOAO), in the form of
 * astropy.visualization.ZScaleInterval. A line is fitted to the sorted sample with outliers rejected in turns; its slope
 * over the contrast is the slope of the display.
 */
export function zscale(given: Float64Array): Range {
  const sample = given.slice().sort();
  const count = sample.length;
  if (!count) return { low: 0, high: 1 };
  const [low, high] = [sample[0] as number, sample[count - 1] as number];
  const fewest = Math.max(5, Math.floor(count / 2));
  const grow = Math.max(1, Math.floor(count * 0.01));
  let bad = new Uint8Array(count);
  let [good, before, slope] = [count, count + 1, 0];
  for (let turn = 0; turn < 5 && good < before && good >= fewest; turn++) {
    const [fitted, offset] = line(sample, bad);
    slope = fitted;
    const left = sample.map((one, x) => one - (offset + slope * x));
    const kept = left.filter((_, x) => !bad[x]);
    const mean = kept.reduce((sum, one) => sum + one, 0) / kept.length;
    const sigma = Math.sqrt(kept.reduce((sum, one) => sum + (one - mean) ** 2, 0) / kept.length);
    for (let x = 0; x < count; x++) if (Math.abs(left[x] as number) > REJECT * sigma) bad[x] = 1;
    bad = grown(bad, grow);
    before = good;
    good = bad.reduce((sum, one) => sum + (one ? 0 : 1), 0);
  }
  if (good < fewest) return { low, high };
  slope /= CONTRAST;
  const centre = Math.floor((count - 1) / 2);
  const median = ((sample[centre] as number) + (sample[Math.floor(count / 2)] as number)) / 2;
  return { low: Math.max(low, median - (centre - 1) * slope), high: Math.min(high, median + (count - centre) * slope) };
}

/** Slope and offset of the straight line through the pixels that are not bad. */
function line(sample: Float64Array, bad: Uint8Array): [number, number] {
  let [n, sx, sy, sxx, sxy] = [0, 0, 0, 0, 0];
  sample.forEach((y, x) => {
    if (bad[x]) return;
    n += 1;
    sx += x;
    sy += y;
    sxx += x * x;
    sxy += x * y;
  });
  const slope = (n * sxy - sx * sy) / (n * sxx - sx * sx || 1);
  return [slope, (sy - slope * sx) / n];
}

/** What is bad, and its neighbours within a window of `size`. */
function grown(bad: Uint8Array, size: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(bad.length);
  const ahead = Math.floor((size - 1) / 2);
  bad.forEach((one, x) => one && out.fill(1, Math.max(0, x - ahead), x - ahead + size));
  return out;
}
