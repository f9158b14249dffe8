// Draws a scene on the plot's canvas: bands and lines below, curves, masked columns by shape, labels above.

import type { Box, Chart } from "./chart";
import { placeLabels } from "./numbers";
import { type Curve, inView, type Scene } from "./scene";

export type Palette = (name: string) => string;
export const DASHES = [[7, 3], [2, 3], [11, 3, 2, 3], [4, 2]];
/** Rows of labels at the top of the plot, CSS pixels each. */
export const LABEL_ROWS = 3;
export const LABEL_HEIGHT = 15;

export interface Painter {
  scene: Scene;
  palette: Palette;
  font: string;
}

interface Brush {
  ctx: CanvasRenderingContext2D;
  /** Device pixels of a CSS pixel. */
  dot: number;
  x: (column: number) => number;
  y: (value: number) => number;
  box: Box;
  low: number;
  high: number;
}

function brush(chart: Chart, scale: "y" | "sky" = "y"): Brush {
  const { ctx, box, ratio, limits } = chart;
  const { min, max } = limits.x;
  const { left, width, top, height } = box;
  const log = chart.log && scale === "y";
  return {
    ctx, dot: ratio, box, low: min, high: max,
    x: (column) => left + ((column - min) / (max - min)) * width,
    // Far values are held near the plot, which canvases need.
    y: (value) => top + (1 - Math.max(-1, Math.min(2, chart.rise(value, limits[scale], log)))) * height,
  };
}

function clipped({ ctx, box }: Chart, draw: () => void): void {
  ctx.save();
  ctx.beginPath();
  ctx.rect(box.left, box.top, box.width, box.height);
  ctx.clip();
  draw();
  ctx.restore();
}

/** A line through elements from..to; where there is no number it is interrupted. */
function trace({ ctx, x, y }: Brush, columns: Float64Array, values: Float32Array, from: number, to: number, step: boolean, reverse = false): void {
  let open = false;
  for (let n = from; n < to; n++) {
    const i = reverse ? from + to - 1 - n : n;
    const value = values[i] as number;
    if (!Number.isFinite(value)) {
      open = false;
      continue;
    }
    const at = columns[i] as number;
    const height = y(value);
    const points = step ? [(at + (columns[i - 1] ?? 2 * at - (columns[i + 1] ?? at + 1))) / 2, (at + (columns[i + 1] ?? 2 * at - (columns[i - 1] ?? at - 1))) / 2] : [at];
    for (const one of reverse ? points.reverse() : points) {
      if (open) ctx.lineTo(x(one), height);
      else ctx.moveTo(x(one), height);
      open = true;
    }
  }
}

function stroke(b: Brush, colour: string, width: number, dash: number[] = []): void {
  b.ctx.strokeStyle = colour;
  b.ctx.lineWidth = width * b.dot;
  b.ctx.setLineDash(dash.map((one) => one * b.dot));
  b.ctx.lineJoin = "round";
  b.ctx.stroke();
  b.ctx.setLineDash([]);
}

function band(b: Brush, { scene, palette }: Painter, from: number, to: number): void {
  const { columns, flux, error, settings } = scene;
  const edge = (sign: number) => flux.map((one, i) => one + sign * (error[i] as number));
  const [above, below] = [edge(1), edge(-1)];
  b.ctx.fillStyle = palette("band");
  for (let i = from; i < to; ) {
    while (i < to && !Number.isFinite(above[i] as number)) i++;
    const begin = i;
    while (i < to && Number.isFinite(above[i] as number)) i++;
    if (i === begin) break;
    b.ctx.beginPath();
    trace(b, columns, above, begin, i, settings.step);
    // The way back: its first point continues the path instead of opening another.
    const back = { ...b, ctx: Object.assign(Object.create(null), { moveTo: b.ctx.lineTo.bind(b.ctx), lineTo: b.ctx.lineTo.bind(b.ctx) }) as CanvasRenderingContext2D };
    trace(back, columns, below, begin, i, settings.step, true);
    b.ctx.closePath();
    b.ctx.fill();
  }
}

function overlay(b: Brush, { columns, flux }: Curve, step: boolean, colour: string, dash: number[]): void {
  b.ctx.beginPath();
  trace(b, columns, flux, 0, flux.length, step);
  stroke(b, colour, 1.2, dash);
}

/** Masked columns: a bar at the bottom for each run, and on the curve a cross (cosmic ray), triangle (saturated) or square. */
function masked(b: Brush, { scene, palette }: Painter, from: number, to: number): void {
  const { ctx, dot, x, y, box } = b;
  const { columns, flux, preview } = scene;
  const { mask } = preview;
  ctx.fillStyle = ctx.strokeStyle = palette("plot-axis");
  const bottom = box.top + box.height;
  for (let i = from; i < to; i++) {
    if (!mask[i]) continue;
    const begin = i;
    while (i + 1 < to && mask[i + 1]) i++;
    const left = x((columns[begin] as number) - 0.5);
    ctx.fillRect(left, bottom - 5 * dot, Math.max(2 * dot, x((columns[i] as number) + 0.5) - left), 5 * dot);
  }
  const roomy = box.width / (b.high - b.low) > 3 * dot;
  let before = -Infinity;
  ctx.beginPath();
  for (let i = from; i < to; i++) {
    const bits = mask[i] as number;
    const centre = x(columns[i] as number);
    if (!bits || (!roomy && centre - before < 7 * dot)) continue;
    before = centre;
    const size = 3.5 * dot;
    const value = flux[i] as number;
    const at = Math.max(box.top + size, Math.min(bottom - 10 * dot, Number.isFinite(value) ? y(value) : bottom));
    if (bits & 2) {
      ctx.moveTo(centre, at - size);
      ctx.lineTo(centre + size, at + size);
      ctx.lineTo(centre - size, at + size);
      ctx.closePath();
    } else if (bits & 4) {
      ctx.moveTo(centre - size, at - size);
      ctx.lineTo(centre + size, at + size);
      ctx.moveTo(centre + size, at - size);
      ctx.lineTo(centre - size, at + size);
    } else ctx.rect(centre - size, at - size, 2 * size, 2 * size);
  }
  stroke(b, palette("plot-axis"), 1.4);
}

/** Below the curves: the ground of telluric bands, and the lines. */
function lines(b: Brush, { scene, palette }: Painter): void {
  const { ctx, dot, x, box } = b;
  for (const mark of scene.marks) {
    const at = x(mark.column);
    if (mark.end !== undefined) {
      ctx.fillStyle = palette("plot-grid");
      ctx.fillRect(at, box.top, Math.max(dot, x(mark.end) - at), box.height);
      continue;
    }
    ctx.beginPath();
    ctx.moveTo(at, box.top);
    ctx.lineTo(at, box.top + box.height);
    stroke(b, palette(mark.moves ? "mark" : "plot-axis"), 1, mark.moves ? [4, 3] : [1, 3]);
  }
}

export interface Placed {
  mark: Scene["marks"][number];
  /** Centre and half width, CSS pixels of the plotting area. */
  centre: number;
  half: number;
  row: number;
}

/** Where the labels of the lines in view are; row -1: there is no room for this one. */
export function labelled(chart: Chart, { scene, font }: Painter): Placed[] {
  const b = brush(chart);
  const { ctx, ratio } = chart;
  const width = b.box.width / ratio;
  ctx.font = `${12 * ratio}px ${font}`;
  const made = scene.marks
    .map((mark) => {
      const middle = mark.end === undefined ? mark.column : (Math.max(mark.column, b.low) + Math.min(mark.end, b.high)) / 2;
      const half = ctx.measureText(mark.label).width / ratio / 2 + 2;
      const seen = (b.x(middle) - b.box.left) / ratio;
      const inside = mark.end === undefined ? seen >= 0 && seen <= width : mark.end > b.low && mark.column < b.high;
      return { mark, half, row: inside ? 0 : -2, centre: Math.max(half + 2, Math.min(width - half - 2, seen)) };
    })
    .filter((one) => one.row === 0)
    .sort((a, b) => a.centre - b.centre);
  const rows = placeLabels(made.map((one) => one.centre), made.map((one) => 2 * one.half), LABEL_ROWS);
  return made.map((one, at) => ({ ...one, row: rows[at] ?? -1 }));
}

function labels(chart: Chart, painter: Painter): void {
  const { ctx, box, ratio } = chart;
  ctx.save();
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  for (const { mark, centre, half, row } of labelled(chart, painter)) {
    if (row < 0) continue;
    const at = box.left + centre * ratio;
    const middle = box.top + (row + 0.5) * LABEL_HEIGHT * ratio + 2 * ratio;
    ctx.fillStyle = painter.palette("plot-ground");
    ctx.fillRect(at - half * ratio, middle - (LABEL_HEIGHT / 2) * ratio, 2 * half * ratio, LABEL_HEIGHT * ratio);
    ctx.fillStyle = painter.palette(mark.moves ? "mark" : "plot-axis");
    ctx.fillText(mark.label, at, middle);
  }
  ctx.restore();
}

export function paintBelow(chart: Chart, painter: Painter): void {
  clipped(chart, () => lines(brush(chart), painter));
}

export function paintAbove(chart: Chart, painter: Painter): void {
  const { scene, palette } = painter;
  clipped(chart, () => {
    const b = brush(chart);
    const [first, last] = inView(scene, b.low, b.high);
    const [from, to] = [Math.max(0, first - 1), Math.min(scene.preview.length, last + 1)];
    const { step, sky } = scene.settings;
    if (scene.settings.band) band(b, painter, from, to);
    if (sky !== "off") {
      b.ctx.beginPath();
      trace(sky === "own" ? brush(chart, "sky") : b, scene.columns, scene.preview.sky, from, to, step);
      stroke(b, palette("sky"), 1, [1.5, 1.5]);
    }
    scene.overlays.forEach((one, at) => overlay(b, one, step, palette(`overlay-${at + 1}`), DASHES[at] ?? []));
    b.ctx.beginPath();
    trace(b, scene.columns, scene.flux, from, to, step);
    stroke(b, palette("flux"), (b.high - b.low) * b.dot > b.box.width ? 1 : 1.4); // thin where columns crowd
    masked(b, painter, from, to);
  });
  labels(chart, painter);
}
