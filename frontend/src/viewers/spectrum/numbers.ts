// Arithmetic of the 1-D viewer: what is left out of a mean, where an axis ends, how a tick is written.

/** A window's mean with inverse-variance weights, for display only, and its error. */
export interface Smoothed {
  flux: Float32Array;
  error: Float32Array;
}

/**
 * Boxcar over `width` (odd) elements, weighted by 1/σ². Masked elements, and those without a number or an error, have no weight;
 * an element with no good neighbour in its window stays as it is.
 */
export function smooth(flux: Float32Array, error: Float32Array, mask: Uint8Array, width: number): Smoothed {
  if (width < 3) return { flux, error };
  const half = (width - 1) / 2;
  const made = { flux: flux.slice(), error: error.slice() };
  for (let at = 0; at < flux.length; at++) {
    let [weights, sum] = [0, 0];
    for (let i = Math.max(0, at - half); i <= Math.min(flux.length - 1, at + half); i++) {
      const [value, sigma] = [flux[i] as number, error[i] as number];
      if (mask[i] || !Number.isFinite(value) || !(sigma > 0 && sigma < Infinity)) continue;
      const weight = 1 / (sigma * sigma);
      weights += weight;
      sum += weight * value;
    }
    if (weights > 0) {
      made.flux[at] = sum / weights;
      made.error[at] = 1 / Math.sqrt(weights);
    }
  }
  return made;
}

/** Quantiles of what is finite, by linear interpolation; NaN where nothing is. */
export function quantiles(values: ArrayLike<number>, wanted: readonly number[]): number[] {
  const sorted = Float64Array.from(Array.prototype.filter.call(values, Number.isFinite) as number[]).sort();
  return wanted.map((q) => {
    const at = q * (sorted.length - 1);
    const below = sorted[Math.floor(at)] ?? NaN;
    const above = sorted[Math.ceil(at)] ?? NaN;
    return below + (above - below) * (at - Math.floor(at));
  });
}

export const median = (values: ArrayLike<number>): number => quantiles(values, [0.5])[0] as number;

/** Limits of the flux axis about values: quantiles `inner` and a margin; never empty, even for a constant or for nothing. */
export function limits(values: ArrayLike<number>, inner: readonly [number, number], log: boolean): [number, number] {
  const usable = log ? (Array.prototype.filter.call(values, (one: number) => one > 0) as number[]) : values;
  let [low, high] = quantiles(usable, inner) as [number, number];
  if (!Number.isFinite(low)) return log ? [1, 10] : [0, 1];
  if (log) {
    const margin = Math.max((high / low) ** 0.06, 1.1);
    return [low / margin, high * margin];
  }
  if (high - low <= 1e-6 * Math.max(Math.abs(low), Math.abs(high))) {
    const room = Math.abs(high) * 0.1 || 1;
    [low, high] = [low - room, high + room];
  }
  const margin = (high - low) * 0.06;
  // Room for the labels of lines is made above; a spectrum near zero shows its zero.
  return [low > 0 && low < 0.25 * high ? 0 : low - margin, high + 2 * margin];
}

/** Round numbers between two values, about `most` of them. */
export function ticks(low: number, high: number, most: number, log = false): number[] {
  if (!(high > low)) return [];
  if (log) {
    const found: number[] = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
      for (const digit of [1, 2, 5]) found.push(Number(`${digit}e${power}`));
    }
    const inside = found.filter((one) => one >= low && one <= high);
    if (inside.length >= 2) return inside.length > most ? inside.filter((one) => /^1/.test(one.toExponential())) : inside;
  }
  const rough = (high - low) / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((one) => one * power >= rough * 0.999) ?? 10);
  const found: number[] = [];
  for (let n = Math.ceil(low / step - 1e-9); n * step <= high + 1e-9 * step; n++) found.push(n * step + 0); // no negative zero
  return found;
}

const RAISED: Record<string, string> = Object.fromEntries([..."0123456789-"].map((sign, at) => [sign, [..."⁰¹²³⁴⁵⁶⁷⁸⁹⁻"][at] as string]));

/** Short texts for ticks, and the power of ten they have in common ("" if none), which goes to the axis' label. */
export function tickTexts(values: readonly number[]): { texts: string[]; factor: string } {
  const largest = Math.max(...values.map(Math.abs), 0);
  const power = largest >= 1e4 || (largest > 0 && largest < 0.1) ? 3 * Math.floor(Math.log10(largest) / 3 + 1e-9) : 0;
  const scaled = values.map((one) => one / 10 ** power);
  const texts = scaled.map((one) => String(Number(one.toPrecision(6))).replace("-", "−"));
  return { texts, factor: power ? `×10${[...String(power)].map((sign) => RAISED[sign]).join("")}` : "" };
}

/** The value that belongs to `wanted`: interpolated between the elements of `from`, which rise or fall, and continued straight beyond their ends. */
export function interpolate(from: ArrayLike<number>, to: (at: number) => number, wanted: number): number {
  const last = from.length - 1;
  if (last < 1) return to(0);
  const rising = (from[last] as number) >= (from[0] as number);
  let [low, high] = [0, last];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((from[middle] as number) <= wanted === rising) low = middle;
    else high = middle;
  }
  const [a, b] = [from[low] as number, from[high] as number];
  const part = b === a ? 0 : (wanted - a) / (b - a);
  return to(low) + part * (to(high) - to(low));
}

/**
 * Rows for labels so that none overlaps another: the first row with room, from the left; -1 where there is none in any.
 * `centres` rise; all in pixels.
 */
export function placeLabels(centres: readonly number[], widths: readonly number[], rows: number, gap = 4): number[] {
  const ends = new Array<number>(rows).fill(-Infinity);
  return centres.map((centre, at) => {
    const half = (widths[at] ?? 0) / 2;
    const row = ends.findIndex((end) => centre - half >= end + gap);
    if (row >= 0) ends[row] = centre + half;
    return row;
  });
}

const BITS: readonly (readonly [bit: number, name: string])[] = [
  [1, "bad"], [2, "saturated"], [4, "cosmic ray"], [8, "no flat"], [16, "outside the slit"],
];

/** What a mask says, in words. */
export const maskWords = (mask: number): string => BITS.filter(([bit]) => mask & bit).map(([, name]) => name).join(", ");

/** "3 masked columns (2 cosmic ray, 1 saturated)". */
export function maskCount(mask: Uint8Array): string {
  const total = mask.reduce((sum, one) => sum + (one ? 1 : 0), 0);
  if (!total) return "No column is masked";
  const kinds = BITS.map(([bit, name]) => [mask.reduce((sum, one) => sum + (one & bit ? 1 : 0), 0), name] as const);
  const told = kinds.filter(([count]) => count).map(([count, name]) => `${count} ${name}`).join(", ");
  return `${total} masked column${total === 1 ? "" : "s"} (${told})`;
}
