// Where values stand along an axis, and which of them are written there.

export interface Scale {
  low: number;
  high: number;
  /** Pixels of the two limits. */
  from: number;
  to: number;
  root: boolean;
  at: (value: number) => number;
}

export interface Tick {
  value: number;
  text: string;
}

export function scaleOf([low, high]: [number, number], from: number, to: number, root = false): Scale {
  const bend = root ? (value: number) => Math.sqrt(Math.max(value, 0)) : (value: number) => value;
  const [first, last] = [bend(low), bend(high)];
  const factor = (to - from) / (last - first || 1);
  return { low, high, from, to, root, at: (value) => Math.round((from + (bend(value) - first) * factor) * 10) / 10 };
}

export const within = (scale: Scale, value: number): boolean => value >= scale.low && value <= scale.high;

/** At most about so many round values between the limits. */
export function ticks(scale: Scale, most: number): Tick[] {
  if (scale.root) return rootTicks(scale, most);
  const raw = (scale.high - scale.low) / most;
  if (!(raw > 0) || !Number.isFinite(raw)) return [];
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= raw * 0.999) ?? 10) * power;
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const found: Tick[] = [];
  for (let n = Math.ceil(scale.low / step - 1e-9); n * step <= scale.high + 1e-9 * step; n++) {
    const value = n * step;
    found.push({ value, text: written(value, decimals) });
  }
  return found;
}

/** Round values that stand about equally far apart where the square root is drawn. */
function rootTicks(scale: Scale, most: number): Tick[] {
  const top = Math.sqrt(Math.max(scale.high, 0));
  const found = new Set([0]);
  for (let n = 1; n <= most; n++) {
    const wanted = (top * n / most) ** 2;
    const power = 10 ** Math.floor(Math.log10(wanted));
    const value = ([5, 2, 1].find((factor) => factor * power <= wanted) ?? 1) * power;
    if (value > 0 && Number.isFinite(value)) found.add(value);
  }
  return [...found].filter((value) => value >= scale.low).map((value) => ({ value, text: written(value, value > 0 && value < 1 ? 3 : 0) }));
}

function written(value: number, decimals: number): string {
  const size = Math.abs(value);
  if (size >= 1e6) return value.toExponential(1).replace("e+", "e").replace(".0e", "e");
  if (size >= 1e4) return `${Number((value / 1000).toFixed(2))}k`;
  return (Object.is(value, -0) ? 0 : value).toFixed(Math.min(decimals, 6)).replace("-", "−");
}

/**
 * The path of a line. Of many samples in one pixel the lowest and the highest are kept, so that no narrow line is lost;
 * samples that are no numbers leave a gap.
 */
export function linePath(x: ArrayLike<number>, y: ArrayLike<number>, across: Scale, up: Scale): string {
  let path = "";
  let pen = false;
  let pixel = NaN;
  let [first, last, low, high] = [0, 0, 0, 0];
  const flush = () => {
    if (Number.isNaN(pixel)) return;
    path += `${pen ? "L" : "M"}${pixel} ${up.at(first)}`;
    if (low < first || high > first) path += `V${up.at(low)}V${up.at(high)}V${up.at(last)}`;
    pen = true;
    pixel = NaN;
  };
  for (let i = 0; i < x.length; i++) {
    const [at, value] = [x[i] as number, y[i] as number];
    if (!Number.isFinite(at) || !Number.isFinite(value)) {
      flush();
      pen = false;
      continue;
    }
    const place = Math.round(across.at(at) * 2) / 2;
    if (place !== pixel) {
      flush();
      pixel = place;
      first = low = high = value;
    }
    last = value;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  flush();
  return path;
}
