// Axes of the strip: from values and moments to pixels, with ticks at round numbers. Pure functions.

export interface Axis {
  at: (value: number) => number;
  ticks: number[];
}

const MINUTE = 60_000;
const TIME_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360].map((minutes) => minutes * MINUTE);

/** A linear axis from zero, or one of decades where the values span more than a factor of thirty. */
export function valueAxis(values: number[], bottom: number, top: number): Axis {
  const highest = Math.max(...values, 0);
  const lowest = Math.min(...values.filter((value) => value > 0));
  if (highest > 0 && highest / lowest > 30) return decades(lowest, highest, bottom, top);
  const step = roundStep(highest / 4 || 0.5);
  const end = Math.max(highest * 1.08, step);
  const ticks: number[] = [];
  for (let n = 0; n * step <= end; n++) ticks.push(Number((n * step).toPrecision(6)));
  return { at: (value) => bottom + ((top - bottom) * Math.max(0, value)) / end, ticks };
}

function decades(lowest: number, highest: number, bottom: number, top: number): Axis {
  const [low, high] = [Math.floor(Math.log10(lowest)), Math.log10(highest * 1.1)];
  const ticks: number[] = [];
  for (let n = low; n <= high; n++) ticks.push(Number((10 ** n).toPrecision(3)));
  return { at: (value) => bottom + ((top - bottom) * (Math.log10(Math.max(value, 10 ** low)) - low)) / (high - low), ticks };
}

/** The next larger of 1, 2, 5, 10, 20 … */
export function roundStep(wanted: number): number {
  const power = 10 ** Math.floor(Math.log10(wanted));
  return (([1, 2, 5].find((n) => n * power >= wanted * 0.999) ?? 10) * power);
}

/** Time from left to right, in milliseconds, with a little room on both sides; ticks at round minutes or hours of UT. */
export function timeAxis(moments: number[], left: number, right: number, apart = 80): Axis {
  const [first, last] = [Math.min(...moments), Math.max(...moments)];
  const room = Math.max((last - first) * 0.02, 2 * MINUTE);
  const [start, end] = [first - room, last + room];
  const most = Math.max(1, Math.floor((right - left) / apart));
  const step = TIME_STEPS.find((one) => (end - start) / one <= most) ?? TIME_STEPS.at(-1) ?? MINUTE;
  const ticks: number[] = [];
  for (let tick = Math.ceil(start / step) * step; tick <= end; tick += step) ticks.push(tick);
  return { at: (moment) => left + ((right - left) * (moment - start)) / (end - start), ticks };
}

/** Index of the number next to `wanted` in an ascending list; -1 if it is empty. */
export function nearest(ascending: number[], wanted: number): number {
  let [low, high] = [0, ascending.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ascending[middle] as number) < wanted) low = middle + 1;
    else high = middle;
  }
  if (low > 0 && wanted - (ascending[low - 1] as number) < (ascending[low] as number) - wanted) return low - 1;
  return low < ascending.length ? low : -1;
}
