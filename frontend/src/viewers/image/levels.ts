// An image at several resolutions, and the limits between which it is shown. Zoomed out, a level is drawn whose pixels are no
// smaller than the screen's, so that neither noise nor a lone cosmic ray comes and goes with the zoom.

import { value, type Grid, type ImagePreview } from "../container";
import { LIMITS, quantile, sampled, zscale, type LimitMode, type Range } from "./stretch";
import { BAD, COSMIC, NO_FLAT, OUTSIDE, SATURATED, survey, USELESS, type Level } from "./survey";

export { BAD, COSMIC, NO_FLAT, OUTSIDE, SATURATED };
export const MASK_WORDS: readonly (readonly [number, string])[] = [
  [SATURATED, "saturated"],
  [COSMIC, "cosmic ray"],
  [BAD, "bad"],
  [NO_FLAT, "no flat"],
  [OUTSIDE, "outside the slit"],
];

export class Levels {
  readonly full: Grid;
  readonly mask: Uint8Array | null;
  /** Pixels with each mask bit. */
  readonly counts = new Map<number, number>();
  private readonly all: Level[];
  private readonly found = new Map<LimitMode, Range>();
  private readonly histogram: Uint32Array;

  /** `saturation` is the value from which a pixel is saturated where the preview has no mask: in raw frames. */
  constructor(readonly preview: ImagePreview, saturation: number | null) {
    const { levels, marks, histogram } = preview.survey ?? survey(preview, saturation);
    [this.all, this.histogram] = [levels, histogram];
    ({ grid: this.full, mask: this.mask } = levels[0] as Level);
    for (const [bit] of MASK_WORDS) {
      this.counts.set(bit, marks.reduce((sum, count, mask) => (mask & bit ? sum + count : sum), 0));
    }
  }

  /** The level for so many pixels of the image to one of the screen. */
  at(ratio: number): Level {
    let number = 0;
    while (2 ** (number + 1) <= ratio && number < this.all.length - 1) number++;
    return this.all[number] as Level;
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

/** The words of a pixel's mask bits. */
export const maskWords = (mask: number): string[] => MASK_WORDS.filter(([bit]) => mask & bit).map(([, word]) => word);
