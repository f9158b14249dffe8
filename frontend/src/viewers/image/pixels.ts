// The image itself: every pixel of the screen takes the colour of the image pixel below it.

import type { Grid, ImagePreview } from "../container";
import type { Levels } from "./levels";
import { span } from "./view";
import type { Range } from "./stretch";

export interface Picture {
  /** Colours of the steps of a grid. */
  colours: (grid: Grid) => Uint32Array;
  /** Colours of the 256 mask values; 0 where the pixel itself is shown. */
  marks: Uint32Array | null;
  /** Colour of what lies outside the image. */
  ground: number;
}

/** Fill `out` (width × height, top row first) with the columns and rows of the raw frame in view. */
export function paint(out: Uint32Array, width: number, height: number, levels: Levels, x: Range, y: Range, picture: Picture): void {
  const { preview } = levels;
  const { grid, mask } = levels.at(Math.min(span(x) / width, span(y) / height));
  const colours = picture.colours(grid);
  const columns = indices(width, x, preview, 0, grid);
  const rows = indices(height, y, preview, 1, grid);
  const marks = mask && picture.marks;
  let last = -2;
  for (let line = 0; line < height; line++) {
    const row = rows[height - 1 - line] as number;
    const to = line * width;
    if (row === last) {
      out.copyWithin(to, to - width, to);
      continue;
    }
    last = row;
    if (row < 0) {
      out.fill(picture.ground, to, to + width);
      continue;
    }
    const from = row * grid.width;
    for (let i = 0; i < width; i++) {
      const column = columns[i] as number;
      if (column < 0) out[to + i] = picture.ground;
      else {
        const at = from + column;
        out[to + i] = (marks && (marks[(mask as Uint8Array)[at] as number] as number)) || (colours[grid.steps[at] as number] as number);
      }
    }
  }
}

/** For every pixel of the screen along an axis the grid's pixel; -1 outside. */
function indices(size: number, range: Range, preview: ImagePreview, axis: 0 | 1, grid: Grid): Int32Array {
  const all = axis === 0 ? preview.width : preview.height;
  const most = axis === 0 ? grid.width : grid.height;
  return Int32Array.from({ length: size }, (_, i) => {
    const place = Math.floor(range.low + ((i + 0.5) / size) * span(range) + 0.5) - preview.corner[axis];
    return place < 0 || place >= all ? -1 : Math.min(most - 1, Math.floor(place / grid.factor));
  });
}
