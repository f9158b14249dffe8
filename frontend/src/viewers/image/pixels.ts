// The image itself: every pixel of the screen takes the colour of the image pixel below it.

import type { Grid, ImagePreview } from "../container";
import type { Levels } from "./levels";
import { CELLS, SHAPED } from "./marks";
import { span } from "./view";
import type { Range } from "./stretch";

export interface Picture {
  /** Colours of the steps of a grid. */
  colours: (grid: Grid) => Uint32Array;
  /** Mask bits that are marked, and their looks: `markTable`. */
  marks: { bits: number; table: (shaped: boolean) => Uint32Array } | null;
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
  const shaped = Math.min(width / span(x), height / span(y)) >= SHAPED;
  const marks = mask && picture.marks ? picture.marks.table(shaped) : null;
  const shown = picture.marks?.bits ?? 0;
  const across = cells(width, x, shaped);
  const up = cells(height, y, shaped);
  // A row of the image without its marks, and where it has some: those may look otherwise in the next line.
  const plain = new Uint32Array(width);
  const places = new Uint32Array(width);
  let marked = 0;
  let last = -2;
  for (let line = 0; line < height; line++) {
    const row = rows[height - 1 - line] as number;
    const to = line * width;
    const from = row * grid.width;
    if (row !== last) {
      last = row;
      marked = 0;
      if (row < 0) plain.fill(picture.ground);
      else {
        for (let i = 0; i < width; i++) {
          const column = columns[i] as number;
          plain[i] = column < 0 ? picture.ground : (colours[grid.steps[from + column] as number] as number);
        }
        if (marks && mask) {
          for (let i = 0; i < width; i++) {
            const column = columns[i] as number;
            if (column >= 0 && (mask[from + column] as number) & shown) places[marked++] = i;
          }
        }
      }
    }
    out.set(plain, to);
    if (!marked || !marks || !mask) continue;
    const part = (CELLS - 1 - (up[height - 1 - line] as number)) * CELLS;
    for (let k = 0; k < marked; k++) {
      const i = places[k] as number;
      const look = marks[(mask[from + (columns[i] as number)] as number) * CELLS * CELLS + part + (across[i] as number)] as number;
      if (look) out[to + i] = look;
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

/** For every pixel of the screen along an axis the cell of a mark it shows: of its image pixel's, or of a pattern. */
function cells(size: number, range: Range, shaped: boolean): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => {
    if (!shaped) return (i & 3) << 1; // every other cell: a pattern fine enough for few pixels
    const place = range.low + ((i + 0.5) / size) * span(range) + 0.5;
    return Math.floor((place - Math.floor(place)) * CELLS);
  });
}
