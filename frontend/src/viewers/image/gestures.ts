// Wheel, drag, pinch and keys on the image, as changes of what is in view or of what is held.

import { dragged, gripAt, gripRow, type Drawn, type Grip } from "./apertures";
import type { Stage } from "./stage";
import { inside, panned, span, zoomed } from "./view";
import type { Range } from "./stretch";

export interface Hands {
  stage: Stage;
  /** Put other columns and rows in view; null resets. */
  show: (x: Range | null, y: Range | null) => void;
  /** The pointer is at a column of the raw frame, or gone. */
  point: (column: number | null) => void;
  /** Whether targets can be changed, and whether the next click puts one. */
  editing: () => { edit: boolean; put: boolean };
  change: (targets: Drawn[]) => void;
  put: (column: number, row: number) => void;
}

/** How near a pointer must be to hold something, CSS pixels; a finger is thicker. */
const REACH = { mouse: 7, touch: 16 };
const CLICK = 4;
const STEP = 1.4;

/** Zoom by a factor about a place of the screen (the middle, if none is given). */
export function zoom(hands: Hands, factor: number, at?: { x: number; y: number }, axes: "both" | "x" | "y" = "both"): void {
  const { stage } = hands;
  const { left, top, width, height } = stage.box;
  const [x, y] = [stage.fromX(at?.x ?? left + width / 2), stage.fromY(at?.y ?? top + height / 2)];
  hands.show(
    axes === "y" ? stage.x : zoomed(stage.x, factor, x, stage.whole.x),
    axes === "x" ? stage.y : zoomed(stage.y, factor, y, stage.whole.y),
  );
}

/** Listen to the upper canvas; returns how to stop. */
export function listen(hands: Hands): () => void {
  const { stage } = hands;
  const canvas = stage.top;
  const control = new AbortController();
  const pointers = new Map<number, { x: number; y: number }>();
  let start: { x: number; y: number; moved: boolean } | null = null;
  /** Rows between the pointer and what it holds: nothing jumps when it is taken. */
  let off = 0;

  const place = (event: MouseEvent) => {
    const box = canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  /** Column and row of the image (not of the raw frame) at a place of the screen. */
  const pixel = ({ x, y }: { x: number; y: number }) => {
    const { corner } = stage.levels.preview;
    return { column: stage.fromX(x) - corner[0], row: stage.fromY(y) - corner[1] };
  };
  const grip = (event: PointerEvent): Grip | null => {
    const { edit, put } = hands.editing();
    if (!edit || put) return null;
    const { column, row } = pixel(place(event));
    const reach = event.pointerType === "touch" ? REACH.touch : REACH.mouse;
    return gripAt(stage.targets, column, row, (reach / stage.box.height) * span(stage.y));
  };
  const on = <K extends keyof HTMLElementEventMap>(name: K, run: (event: HTMLElementEventMap[K]) => void) =>
    canvas.addEventListener(name, run, { signal: control.signal, passive: false });

  on("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    const at = place(event);
    pointers.set(event.pointerId, at);
    start = { ...at, moved: false };
    stage.held = pointers.size === 1 ? grip(event) : null;
    const { column, row } = pixel(at);
    if (stage.held) off = row - gripRow(stage.targets, stage.held, column);
    stage.redraw("top");
  });
  on("pointermove", (event) => {
    const at = place(event);
    const before = pointers.get(event.pointerId);
    const { column, row } = pixel(at);
    hover(at);
    if (!before || !start) {
      const found = grip(event);
      canvas.style.cursor = hands.editing().put ? "copy" : found ? "ns-resize" : "crosshair";
      return;
    }
    start.moved ||= Math.hypot(at.x - start.x, at.y - start.y) > CLICK;
    if (stage.held) hands.change(dragged(stage.targets, stage.held, column, row - off));
    else if (pointers.size === 2) pinch(event.pointerId, before, at);
    else if (start.moved) pan(at.x - before.x, at.y - before.y);
    if (start.moved || pointers.size > 1) pointers.set(event.pointerId, at);
  });
  const lift = (event: PointerEvent) => {
    const { edit, put } = hands.editing();
    if (edit && put && start && !start.moved && event.type === "pointerup" && pointers.size === 1) {
      const { column, row } = pixel(place(event));
      hands.put(column, row);
    }
    pointers.delete(event.pointerId);
    stage.held = null;
    if (!pointers.size) start = null;
    stage.redraw("top");
  };
  on("pointerup", lift);
  on("pointercancel", lift);
  on("pointerleave", () => {
    stage.point(null);
    hands.point(null);
  });
  on("dblclick", () => !hands.editing().edit && hands.show(null, null));
  on("wheel", (event) => {
    const factor = Math.exp(-Math.sign(event.deltaY) * Math.min(Math.abs(event.deltaY) || 0, 100) * 0.003);
    const axes = event.shiftKey ? "x" : event.altKey ? "y" : "both";
    // Shift turns the wheel sideways in some browsers.
    const turned = event.deltaY ? factor : Math.exp(-Math.sign(event.deltaX) * 0.3);
    const all = span(stage.x) >= span(stage.whole.x) - 1e-6 && span(stage.y) >= span(stage.whole.y) - 1e-6;
    if (turned < 1 && all) return; // nothing more to zoom out of: the page scrolls
    event.preventDefault();
    zoom(hands, turned, place(event), axes);
  });
  on("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (key(event.key, event.shiftKey)) event.preventDefault();
  });

  const hover = (at: { x: number; y: number }) => {
    const { left, top, width, height } = stage.box;
    const over = at.x >= left && at.x <= left + width && at.y >= top && at.y <= top + height;
    stage.point(over ? { column: stage.fromX(at.x), row: stage.fromY(at.y) } : null);
    hands.point(over ? stage.fromX(at.x) : null);
  };
  const pan = (dx: number, dy: number) => {
    const { width, height } = stage.box;
    hands.show(
      panned(stage.x, (-dx / width) * span(stage.x), stage.whole.x),
      panned(stage.y, (dy / height) * span(stage.y), stage.whole.y),
    );
  };
  const pinch = (id: number, before: { x: number; y: number }, at: { x: number; y: number }) => {
    const other = [...pointers].find(([one]) => one !== id)?.[1];
    if (!other) return;
    const far = (one: { x: number; y: number }) => Math.max(20, Math.hypot(one.x - other.x, one.y - other.y));
    zoom(hands, far(at) / far(before), { x: (at.x + other.x) / 2, y: (at.y + other.y) / 2 });
    pan((at.x - before.x) / 2, (at.y - before.y) / 2);
  };
  /** With Shift the arrows move the pointed pixel, so that values can be read without a mouse. */
  const key = (name: string, shift: boolean): boolean => {
    const direction = ({ ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] } as Record<string, [number, number]>)[name];
    if (direction && shift) {
      const now = stage.pointed.value ?? { column: (stage.x.low + stage.x.high) / 2, row: (stage.y.low + stage.y.high) / 2 };
      const next = { column: now.column + direction[0], row: now.row + direction[1] };
      stage.point(next);
      hands.point(next.column);
    } else if (direction) {
      hands.show(
        panned(stage.x, direction[0] * 0.15 * span(stage.x), stage.whole.x),
        panned(stage.y, direction[1] * 0.15 * span(stage.y), stage.whole.y),
      );
    } else if (name === "+" || name === "=") zoom(hands, STEP);
    else if (name === "-") zoom(hands, 1 / STEP);
    else if (name === "0") hands.show(null, null);
    else if (name === "Enter" && hands.editing().put && stage.pointed.value) {
      const { corner } = stage.levels.preview;
      hands.put(stage.pointed.value.column - corner[0], stage.pointed.value.row - corner[1]);
    } else return false;
    return true;
  };
  return () => control.abort();
}

/** Rows in view if pixels of the detector are to be square on the screen, about the middle of those in view now. */
export function squared(stage: Stage, x: Range, y: Range): Range {
  const { binning } = stage.levels.preview;
  const size = (span(x) * binning[0] * stage.box.height) / stage.box.width / binning[1];
  const whole = stage.whole.y;
  const middle = (y.low + y.high) / 2;
  if (size >= span(whole)) {
    const centre = (whole.low + whole.high) / 2;
    return { low: centre - size / 2, high: centre + size / 2 };
  }
  return inside({ low: middle - size / 2, high: middle + size / 2 }, whole);
}
