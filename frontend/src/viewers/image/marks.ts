// How marked pixels look: each kind has a shape besides its colour. Where a pixel of the image is large enough on the screen the
// shape is drawn in it, and the pixel's own colour is seen through; else the same shape is laid over them all as a pattern in two
// shades, so that a lone pixel does not fall into a gap.

import { BAD, COSMIC, NO_FLAT, OUTSIDE, SATURATED } from "./survey";

/** Cells of a shape along each axis. */
export const CELLS = 8;
/** From so many pixels of the screen on, a pixel of the image has a shape of its own. */
export const SHAPED = 5;

/** Mask bit, colour of the style sheet, and the shape, a byte for each row of it: full, ring, plus, stripes, bars. */
export const KINDS: readonly (readonly [number, string, readonly number[]])[] = [
  [SATURATED, "saturated", Array.from({ length: CELLS }, () => 0xff)],
  [COSMIC, "cosmic", [0x3c, 0x7e, 0xc3, 0xc3, 0xc3, 0xc3, 0x7e, 0x3c]],
  [BAD, "masked", [0x18, 0x18, 0x18, 0xff, 0xff, 0x18, 0x18, 0x18]],
  [NO_FLAT, "masked", [0xcc, 0x99, 0x33, 0x66, 0xcc, 0x99, 0x33, 0x66]],
  [OUTSIDE, "masked", [0xff, 0xff, 0, 0, 0xff, 0xff, 0, 0]],
];

/** The cells of a shape, row after row from the top. */
function cells(rows: readonly number[], on: number, off: number): Uint32Array {
  return Uint32Array.from({ length: CELLS * CELLS }, (_, at) => ((rows[at >> 3] as number) & (0x80 >> (at & 7)) ? on : off));
}

const half = (colour: number): number => ((0xff << 24) | ((colour >>> 1) & 0x7f7f7f)) >>> 0;

/** For every mask value the cells of the first kind that is marked; 0 where the pixel itself is shown. */
export function markTable(marked: number, colour: (name: string) => number, shaped: boolean): Uint32Array {
  const table = new Uint32Array(256 * CELLS * CELLS);
  const looks = KINDS.filter(([bit]) => marked & bit).map(([bit, name, rows]) => {
    const on = colour(name);
    return [bit, cells(rows, on, shaped ? 0 : half(on))] as const;
  });
  for (let mask = 1; mask < 256; mask++) {
    const look = looks.find(([bit]) => mask & bit);
    if (look) table.set(look[1], mask * CELLS * CELLS);
  }
  return table;
}

/** A kind's shape as a picture of its cells, for the legend. */
export const sample = (bit: number, colour: (name: string) => number): Uint32Array =>
  markTable(bit, colour, true).subarray(bit * CELLS * CELLS, (bit + 1) * CELLS * CELLS);
