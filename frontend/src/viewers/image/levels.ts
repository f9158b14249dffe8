// An image at several resolutions, and what is counted once of it. Zoomed out, a level is drawn whose pixels are no smaller
// than the screen's, so that neither noise nor a lone cosmic ray comes and goes with the zoom.

import { step, value, type Grid, type ImagePreview } from "../container";
import { LIMITS, quantile, sampled, zscale, type LimitMode, type Range } from "./stretch";

export const BAD = 1, SATURATED = 2, COSMIC = 4, NO_FLAT = 8, OUTSIDE = 16;
export const MASK_WORDS: readonly (readonly [number, string])[] = [
  [SATURATED, "saturated"],
  [COSMIC, "cosmic ray"],
  [BAD, "bad"],
  [NO_FLAT, "no flat"],
  [OUTSIDE, "outside the slit"],
];
/** Pixels that say nothing about how to show the others. */
const USELESS = BAD | OUTSIDE;
const COARSEST = 16;

interface Level {
  grid: Grid;
  /** Every bit that any of the pixels below has: a mark does not vanish when zoomed out. */
  mask: Uint8Array | null;
}

export class Levels {
  readonly full: Grid;
  readonly mask: Uint8Array | null;
  /** Pixels with each mask bit. */
  readonly counts = new Map<number, number>();
  private readonly known = new Map<number, Level>();
  private readonly found = new Map<LimitMode, Range>();
  private readonly histogram = new Uint32Array(65536);

  /** `saturation` is the value from which a pixel is saturated where the preview has no mask: in raw frames. */
  constructor(readonly preview: ImagePreview, saturation: number | null) {
    this.full = preview.grids.reduce((best, one) => (one.factor < best.factor ? one : best));
    const { steps } = this.full;
    this.mask = preview.mask;
    if (!this.mask && saturation) {
      const limit = step(this.full, saturation);
      this.mask = new Uint8Array(steps.length);
      for (let at = 0; at < steps.length; at++) if ((steps[at] as number) >= limit) this.mask[at] = SATURATED;
    }
    const bits = new Uint32Array(256);
    for (let at = 0; at < steps.length; at++) {
      const mask = this.mask ? (this.mask[at] as number) : 0;
      (bits[mask] as number)++;
      if (!(mask & USELESS)) (this.histogram[steps[at] as number] as number)++;
    }
    for (const [bit] of MASK_WORDS) {
      this.counts.set(bit, bits.reduce((sum, count, mask) => (mask & bit ? sum + count : sum), 0));
    }
    this.known.set(1, { grid: this.full, mask: this.mask });
  }

  /** The level for so many pixels of the image to one of the screen. */
  at(ratio: number): Level {
    let factor = 1;
    while (2 * factor <= ratio && factor < COARSEST && Math.min(this.full.width, this.full.height) >= 4 * factor) factor *= 2;
    return this.level(factor);
  }

  private level(factor: number): Level {
    const known = this.known.get(factor);
    if (known) return known;
    const made = halved(this.level(factor / 2));
    this.known.set(factor, made);
    return made;
  }

  /** Limits by themselves; those of "typed" are the caller's. */
  limits(mode: LimitMode): Range {
    const known = this.found.get(mode);
    if (known) return known;
    const range = wide(this.measured(mode));
    this.found.set(mode, range);
    return range;
  }

  private measured(mode: LimitMode): Range {
    if (mode === "zscale" || !LIMITS.includes(mode)) return zscale(sampled(this.full, this.mask, USELESS, 4000));
    const outside = mode === "minmax" ? 0 : (1 - Number(mode) / 100) / 2;
    const at = (share: number) => value(this.full, quantile(this.histogram, share));
    return Number.isFinite(outside) ? { low: at(outside), high: at(1 - outside) } : this.preview.limits;
  }
}

const wide = ({ low, high }: Range): Range => ({ low, high: high > low ? high : low + 1 });

/** Means of two by two pixels (of their steps: where those are variance-stabilised, of equal noise). Odd ends are cut. */
function halved({ grid, mask }: Level): Level {
  const [width, height] = [grid.width >> 1, grid.height >> 1];
  const steps = new Uint16Array(width * height);
  const bits = mask && new Uint8Array(width * height);
  for (let y = 0, to = 0; y < height; y++) {
    let from = 2 * y * grid.width;
    for (let x = 0; x < width; x++, to++, from += 2) {
      const above = from + grid.width;
      const { steps: s } = grid;
      steps[to] = ((s[from] as number) + (s[from + 1] as number) + (s[above] as number) + (s[above + 1] as number)) >> 2;
      if (bits && mask) {
        bits[to] = (mask[from] as number) | (mask[from + 1] as number) | (mask[above] as number) | (mask[above + 1] as number);
      }
    }
  }
  return { grid: { ...grid, factor: grid.factor * 2, width, height, steps }, mask: bits };
}

/** The words of a pixel's mask bits. */
export const maskWords = (mask: number): string[] => MASK_WORDS.filter(([bit]) => mask & bit).map(([, word]) => word);
