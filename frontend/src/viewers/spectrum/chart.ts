// The chart below a scene: canvas, scales, axes, cursor. What is drawn between the axes is paint.ts.

import { drawn } from "../../core/timing";
import { GUTTER } from "../link";
import { tickTexts, ticks } from "./numbers";
import { paintAbove, paintBelow, type Painter } from "./paint";
import { columnOf, fluxLabel, waveOf, xLabel } from "./scene";

const TOP = 8, BOTTOM = 46, TICK = 5, GAP = 3;
/** CSS pixels a tick should have for itself. */
const ROOM = { x: 75, y: 42 };

interface Limits {
  min: number;
  max: number;
}

/** In pixels of the canvas. */
export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

export class Chart {
  readonly ctx: CanvasRenderingContext2D;
  /** The plotting area: it hears the pointer. */
  readonly over: HTMLElement;
  /** Nothing is drawn before they are given. */
  readonly limits = { x: { min: 0, max: 0 }, y: { min: 0, max: 0 }, sky: { min: 0, max: 0 } };
  width = 0;
  height = 0;
  /** Pixels of the canvas to one of the page. */
  ratio = 1;
  private readonly line: HTMLElement;
  private readonly dot: HTMLElement;
  private readonly zone: HTMLElement;
  private frame = 0;

  /** In a box that has a size. It asks for the painter at every drawing, so a new scene needs a redraw only. */
  constructor(private readonly host: HTMLElement, private readonly painter: () => Painter, readonly log: boolean) {
    const part = <K extends "canvas" | "div">(kind: K, name: string, parent: HTMLElement): HTMLElementTagNameMap[K] => {
      const made = document.createElement(kind);
      made.className = `chart-${name}`;
      return parent.appendChild(made);
    };
    this.ctx = part("canvas", "canvas", host).getContext("2d") as CanvasRenderingContext2D;
    this.over = part("div", "over", host);
    this.zone = part("div", "zone", this.over);
    this.line = part("div", "line", this.over);
    this.dot = part("div", "dot", this.over);
    this.resize();
    this.point(null);
    this.select(0, 0);
  }

  /** To the size the box has now. */
  resize(): void {
    const { clientWidth: width, clientHeight: height } = this.host;
    if (!width || !height || (width === this.width && height === this.height)) return;
    Object.assign(this, { width, height, ratio: devicePixelRatio || 1 });
    this.ctx.canvas.width = Math.round(width * this.ratio);
    this.ctx.canvas.height = Math.round(height * this.ratio);
    Object.assign(this.over.style, {
      left: `${GUTTER.left}px`, top: `${TOP}px`, width: `${width - GUTTER.left - GUTTER.right}px`, height: `${height - TOP - BOTTOM}px`,
    });
    this.draw();
  }

  destroy(): void {
    cancelAnimationFrame(this.frame);
    this.host.replaceChildren();
  }

  get box(): Box {
    const { ratio } = this;
    const [left, top] = [Math.round(GUTTER.left * ratio), Math.round(TOP * ratio)];
    return {
      left, top,
      width: Math.max(1, Math.round((this.width - GUTTER.right) * ratio) - left),
      height: Math.max(1, Math.round((this.height - BOTTOM) * ratio) - top),
    };
  }

  /** Where a column is, from the left edge of the plotting area in CSS pixels. */
  toX(column: number): number {
    const { min, max } = this.limits.x;
    return ((column - min) / (max - min)) * this.over.clientWidth;
  }

  /** How far up a value is, as a part of the plotting area's height. What a logarithm cannot show is far below. */
  rise(value: number, { min, max }: Limits, log: boolean): number {
    if (!log) return (value - min) / (max - min);
    return value > 0 ? Math.log(value / min) / Math.log(max / min) : -0.5;
  }

  /** Put the reading line at a column, and its dot at a value; null: nowhere. */
  point(column: number | null, value = NaN): void {
    const x = column === null ? NaN : this.toX(column);
    const y = (1 - this.rise(value, this.limits.y, this.log)) * this.over.clientHeight;
    const inside = x >= 0 && x <= this.over.clientWidth;
    this.line.hidden = !inside;
    this.dot.hidden = !inside || !(y >= 0 && y <= this.over.clientHeight);
    this.line.style.transform = `translateX(${x}px)`;
    if (!this.dot.hidden) this.dot.style.transform = `translate(${x}px, ${y}px)`;
  }

  /** Show what is about to be zoomed to, CSS pixels. */
  select(left: number, width: number): void {
    this.zone.hidden = !width;
    Object.assign(this.zone.style, { left: `${left}px`, width: `${width}px` });
  }

  /** Draw at the screen's next turn. */
  redraw(): void {
    this.frame ||= requestAnimationFrame(() => this.draw());
  }

  /** Draw now. */
  draw(): void {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    if (!this.width || !(this.limits.x.max > this.limits.x.min)) return;
    const painter = this.painter();
    this.ctx.clearRect(0, 0, this.ctx.canvas.width, this.ctx.canvas.height);
    this.axes(painter);
    paintBelow(this, painter);
    paintAbove(this, painter);
    drawn("spectrum-drawn");
  }

  private axes({ scene, palette, font }: Painter): void {
    const { ctx, box, ratio, log } = this;
    const { x, y } = this.limits;
    const bottom = box.top + box.height;
    const across = xTicks(scene, x, box.width / ratio)
      .map((column) => ({ column, at: box.left + ((column - x.min) / (x.max - x.min)) * box.width }))
      .filter(({ at }) => at >= box.left - 1 && at <= box.left + box.width + 1);
    const up = ticks(y.min, y.max, Math.max(2, Math.floor(box.height / ratio / ROOM.y)), log);
    const { texts, factor } = tickTexts(up);
    const heights = up.map((value) => bottom - this.rise(value, y, log) * box.height);
    const path = (colour: string, lines: readonly (readonly [number, number, number, number])[]) => {
      const half = (Math.max(1, Math.round(ratio)) % 2) / 2; // a line between two pixels would be blurred
      ctx.beginPath();
      for (const [x0, y0, x1, y1] of lines) {
        ctx.moveTo(Math.round(x0) + half, Math.round(y0) + half);
        ctx.lineTo(Math.round(x1) + half, Math.round(y1) + half);
      }
      ctx.strokeStyle = palette(colour);
      ctx.lineWidth = Math.max(1, Math.round(ratio));
      ctx.stroke();
    };
    path("plot-grid", [
      ...across.map(({ at }) => [at, box.top, at, bottom] as const),
      ...heights.map((at) => [box.left, at, box.left + box.width, at] as const),
    ]);
    path("plot-axis", [
      [box.left, box.top, box.left, bottom],
      [box.left, bottom, box.left + box.width, bottom],
      ...across.map(({ at }) => [at, bottom, at, bottom + TICK * ratio] as const),
      ...heights.map((at) => [box.left - TICK * ratio, at, box.left, at] as const),
    ]);
    ctx.save();
    ctx.fillStyle = palette("plot-axis");
    ctx.font = `${12 * ratio}px ${font}`;
    ctx.textAlign = "center";
    ctx.textBaseline = "top";
    for (const { column, at } of across) {
      const text = xText(scene, column);
      // a text at the edge would be cut
      if (at + ctx.measureText(text).width / 2 < ctx.canvas.width) ctx.fillText(text, at, bottom + (TICK + GAP) * ratio);
    }
    ctx.fillText(xLabel(scene), box.left + box.width / 2, bottom + 27 * ratio, box.width);
    ctx.textAlign = "right";
    ctx.textBaseline = "middle";
    up.forEach((_, i) => ctx.fillText(texts[i] ?? "", box.left - (TICK + GAP) * ratio, heights[i] as number, 40 * ratio));
    ctx.translate(11 * ratio, box.top + box.height / 2);
    ctx.rotate(-Math.PI / 2);
    ctx.textAlign = "center";
    ctx.fillText(`${fluxLabel(scene)} ${factor}`.trim(), 0, 0, ctx.canvas.height - 4 * ratio);
    ctx.restore();
  }
}

const byColumn = ({ waves, settings }: Painter["scene"]): boolean => !waves || settings.axis === "column";

/** Columns at which the x axis has its ticks: round wavelengths, or round columns. */
function xTicks(scene: Painter["scene"], { min, max }: Limits, width: number): number[] {
  const most = Math.max(2, Math.floor(width / ROOM.x));
  if (byColumn(scene)) return ticks(min, max, most);
  const [a, b] = [waveOf(scene, min), waveOf(scene, max)];
  return ticks(Math.min(a, b), Math.max(a, b), most).map((wave) => columnOf(scene, wave));
}

const xText = (scene: Painter["scene"], column: number): string =>
  String(Number((byColumn(scene) ? column : waveOf(scene, column)).toPrecision(7)));
