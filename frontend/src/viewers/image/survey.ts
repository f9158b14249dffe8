// What is counted once of an image, off the page's thread: its marks, a histogram, and coarser levels to draw zoomed out.

import { step, type Grid, type ImagePreview } from "../container";

export const BAD = 1, SATURATED = 2, COSMIC = 4, NO_FLAT = 8, OUTSIDE = 16;
/** Pixels that say nothing about how to show the others. */
export const USELESS = BAD | OUTSIDE;
const COARSEST = 16;
/** A level smaller than this is not halved again. */
const SMALLEST = 4;

export interface Level {
  grid: Grid;
  /** Every bit that any of the pixels below has: a mark does not vanish when zoomed out. */
  mask: Uint8Array | null;
}

export interface Survey {
  /** The image itself, then half as wide and high, and so on. */
  levels: Level[];
  /** Pixels with each of the 256 values of the mask. */
  marks: Uint32Array;
  /** Useful pixels with each of the 65536 steps. */
  histogram: Uint32Array;
}

/** Look at every pixel. `saturation`: from which value one is saturated where the preview has no mask, in raw frames. */
export function survey(preview: ImagePreview, saturation: number | null): Survey {
  const grid = preview.grids.reduce((best, one) => (one.factor < best.factor ? one : best));
  const { steps } = grid;
  let { mask } = preview;
  if (!mask && saturation) {
    const limit = step(grid, saturation);
    mask = new Uint8Array(steps.length);
    for (let at = 0; at < steps.length; at++) if ((steps[at] as number) >= limit) mask[at] = SATURATED;
  }
  const marks = new Uint32Array(256);
  const histogram = new Uint32Array(65536);
  for (let at = 0; at < steps.length; at++) {
    const bits = mask ? (mask[at] as number) : 0;
    (marks[bits] as number)++;
    if (!(bits & USELESS)) (histogram[steps[at] as number] as number)++;
  }
  const levels: Level[] = [{ grid, mask }];
  for (let factor = 2; factor <= COARSEST && Math.min(grid.width, grid.height) >= SMALLEST * factor; factor *= 2) {
    levels.push(halved(levels[levels.length - 1] as Level));
  }
  return { levels, marks, histogram };
}

/** The buffers of a survey, to be handed from thread to thread. */
export const buffersOf = ({ levels, marks, histogram }: Survey): ArrayBufferLike[] =>
  [...levels.flatMap(({ grid, mask }) => [grid.steps, mask]), marks, histogram].flatMap((one) => (one ? [one.buffer] : []));

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
