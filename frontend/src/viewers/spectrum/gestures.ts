// What hand and mouse do on the plot: drag to zoom, shift-drag to move, wheel, two fingers, a line's label to another redshift.

import type { Link } from "../link";
import { redshift } from "./air";
import type { Chart } from "./chart";
import { LABEL_HEIGHT, LABEL_ROWS, labelled, type Painter } from "./paint";
import { ends, waveOf } from "./scene";

/** Fewest columns in view. */
const FEWEST = 6;
/** Pixels before a press is a drag. */
const STILL = 4;

export interface View {
  low: number;
  high: number;
}

/** A view moved to be within the data and not too small; null if it holds them all. */
export function bounded([first, last]: [number, number], low: number, high: number): View | null {
  const span = Math.max(FEWEST, Math.min(high - low, last - first));
  const middle = (low + high) / 2;
  const begin = Math.max(first, Math.min(last - span, middle - span / 2));
  return span >= last - first - 1e-6 ? null : { low: begin, high: begin + span };
}

export function viewOf(link: Link, painter: Painter): View {
  const [low, high] = ends(painter.scene);
  return link.range.value ?? { low, high };
}

export function show(link: Link, painter: Painter, low: number, high: number): void {
  const view = bounded(ends(painter.scene), Math.min(low, high), Math.max(low, high));
  link.range.value = view && { ...view, by: "spectrum" };
}

/** Zoom by a factor (below 1 is closer) about a column, or the cursor's, or the middle. */
export function zoom(link: Link, painter: Painter, factor: number, about?: number): void {
  const { low, high } = viewOf(link, painter);
  const cursor = link.cursor.value?.column;
  const fixed = about ?? (cursor !== undefined && cursor > low && cursor < high ? cursor : (low + high) / 2);
  show(link, painter, fixed - (fixed - low) * factor, fixed + (high - fixed) * factor);
}

/** Move by a part of what is in view. */
export function pan(link: Link, painter: Painter, part: number): void {
  const { low, high } = viewOf(link, painter);
  const by = (high - low) * part;
  show(link, painter, low + by, high + by);
}

/** Move the reading cursor by columns: a hover for keyboards. */
export function step(link: Link, painter: Painter, by: number): void {
  const { low, high } = viewOf(link, painter);
  const from = link.cursor.value?.column ?? (low + high) / 2;
  const column = Math.max(Math.ceil(low), Math.min(Math.floor(high), Math.round(from) + by));
  link.cursor.value = { column, by: "spectrum" };
}

type Drag =
  | { kind: "zoom"; from: number; moved: boolean }
  | { kind: "pan"; from: number; view: View }
  | { kind: "line"; rest: number; shift: number }
  | { kind: "pinch"; low: number; high: number };

/** Listens on the plotting area until the returned function is called. */
export function listen(chart: Chart, link: Link, painter: () => Painter, setZ: (z: number) => void): () => void {
  const { over } = chart;
  const control = new AbortController();
  const options = { signal: control.signal };
  const fingers = new Map<number, number>();
  let drag: Drag | null = null;

  const place = (event: { clientX: number; clientY: number }): [number, number] => {
    const box = over.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  // By the link, not by the chart: that is drawn a moment later.
  const column = (x: number) => {
    const { low, high } = viewOf(link, painter());
    return low + (x / over.clientWidth) * (high - low);
  };
  const select = (left: number, width: number) => chart.select(left, width);
  const read = (x: number) => (link.cursor.value = { column: column(x), by: "spectrum" });
  const label = (x: number, y: number) =>
    y > LABEL_ROWS * LABEL_HEIGHT + 4
      ? undefined
      : labelled(chart, painter()).find(
          (one) => one.mark.moves && one.row === Math.floor((y - 2) / LABEL_HEIGHT) && Math.abs(one.centre - x) <= one.half + 2,
        );

  over.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 && event.button !== 1) return;
    const [x, y] = place(event);
    over.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, x);
    if (fingers.size === 2) {
      const [a, b] = [...fingers.values()].map(column) as [number, number];
      select(0, 0);
      drag = { kind: "pinch", low: a, high: b };
      return;
    }
    const line = label(x, y);
    if (event.shiftKey || event.button === 1) drag = { kind: "pan", from: x, view: viewOf(link, painter()) };
    else if (line) drag = { kind: "line", rest: line.mark.rest, shift: line.mark.column - column(x) };
    else drag = { kind: "zoom", from: x, moved: false };
    if (event.pointerType === "mouse") event.preventDefault();
  }, options);

  over.addEventListener("pointermove", (event) => {
    const [x, y] = place(event);
    if (fingers.has(event.pointerId)) fingers.set(event.pointerId, x);
    const width = over.clientWidth;
    if (drag?.kind === "pinch" && fingers.size === 2) {
      // The columns first touched stay below the fingers.
      const [a, b] = [...fingers.values()] as [number, number];
      if (Math.abs(b - a) < 10) return;
      const slope = (drag.high - drag.low) / (b - a);
      if (slope > 0) show(link, painter(), drag.low - a * slope, drag.low + (width - a) * slope);
      return;
    }
    if (drag?.kind === "pan") {
      const by = ((x - drag.from) / width) * (drag.view.high - drag.view.low);
      show(link, painter(), drag.view.low - by, drag.view.high - by);
    } else if (drag?.kind === "line") {
      const { scene } = painter();
      const z = redshift(drag.rest, waveOf(scene, column(x) + drag.shift), scene.settings.medium);
      if (z > -0.9) setZ(Number(z.toFixed(5)));
    } else {
      const to = Math.max(0, Math.min(width, x));
      if (drag?.kind === "zoom" && (drag.moved ||= Math.abs(x - drag.from) > STILL)) select(Math.min(drag.from, to), Math.abs(to - drag.from));
      over.style.cursor = !drag && label(x, y) ? "ew-resize" : "";
      read(to);
    }
  }, options);

  const end = (event: PointerEvent): void => {
    const [x] = place(event);
    fingers.delete(event.pointerId);
    if (drag?.kind === "zoom" && drag.moved && event.type === "pointerup") {
      const to = Math.max(0, Math.min(over.clientWidth, x));
      if (Math.abs(to - drag.from) > STILL) show(link, painter(), column(drag.from), column(to));
    }
    select(0, 0);
    if (event.type === "pointerup") read(x);
    if (!fingers.size) drag = null;
  };
  over.addEventListener("pointerup", end, options);
  over.addEventListener("pointercancel", end, options);
  over.addEventListener("pointerleave", (event) => {
    if (event.pointerType === "mouse" && !drag && link.cursor.value?.by === "spectrum") link.cursor.value = null;
  }, options);
  over.addEventListener("dblclick", () => (link.range.value = null), options);
  over.addEventListener("wheel", (event) => {
    if (event.ctrlKey || event.metaKey) return; // the browser's own zoom
    const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY);
    // Where all is in view already the page scrolls on.
    if (!link.range.value && (sideways || event.deltaY > 0)) return;
    event.preventDefault();
    const [x] = place(event);
    const notch = event.deltaMode === 1 ? 30 : 1;
    if (sideways) pan(link, painter(), (event.deltaX * notch) / over.clientWidth);
    else zoom(link, painter(), 1.0018 ** Math.max(-300, Math.min(300, event.deltaY * notch)), column(x));
    read(x); // another column is below the pointer now
  }, { ...options, passive: false });
  return () => control.abort();
}
