// What the 1-D and the 2-D viewer of one frame share: which columns are in view, and where the pointer is.

import { signal, type Signal } from "@preact/signals";

export interface Link {
  /** Columns of the raw frame at the left and right edge of the plots; null: all there are. */
  range: Signal<{ low: number; high: number; by: "image" | "spectrum" } | null>;
  /** Column of the raw frame below the pointer; null: it is elsewhere. */
  cursor: Signal<{ column: number; by: "image" | "spectrum" } | null>;
}

export const makeLink = (): Link => ({ range: signal(null), cursor: signal(null) });

/** Room at the left and right of both plots, CSS pixels, so that a column is at the same place in both. */
export const GUTTER = { left: 64, right: 14 };
