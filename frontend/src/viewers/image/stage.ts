// The canvases: pixels, axes and colour bar on one, what moves with the pointer or a hand on another above it. Draws at most
// once a frame of the screen, and only what changed.

import { signal } from "@preact/signals";
import { drawn } from "../../core/timing";
import { figure } from "../../core/format";
import { colour } from "../../core/theme";
import { value, type Grid } from "../container";
import { GUTTER } from "../link";
import { traceAt, type Drawn, type Grip } from "./apertures";
import { packed } from "./colours";
import type { Levels } from "./levels";
import { markTable } from "./marks";
import { paint } from "./pixels";
import { lookup, unstretched, type Range, type Stretch } from "./stretch";
import { span, ticks } from "./view";

export interface Look {
  stretch: Stretch;
  limits: Range;
  /** 256 colours. */
  palette: Uint32Array;
  /** Mask bits that are marked. */
  marked: number;
}

/** What is below the pointer, in pixels of the raw frame. */
export interface Pointed {
  column: number;
  row: number;
  value: number;
  mask: number;
}

const TOP = 8, AXIS = 40, BAR = 12, BAR_LABELS = 20;
/** More than this many pixels of the screen to one of the page are not seen. */
const SHARPEST = 2;

export class Stage {
  readonly pointed = signal<Pointed | null>(null);
  x: Range = { low: 0, high: 1 };
  y: Range = { low: 0, high: 1 };
  look: Look | null = null;
  targets: Drawn[] = [];
  editing = false;
  held: Grip | null = null;
  /** Column of the raw frame that is pointed at, here or in the plot of the spectrum. */
  column: number | null = null;
  width = 0;
  height = 0;
  /** Pixels of the screen to one of the page. */
  ratio = 1;
  private dirty = { base: true, top: true };
  private frame = 0;
  private image: ImageData | null = null;
  private tables = new WeakMap<Grid["transform"], Uint32Array>();
  private tablesOf: Look | null = null;

  constructor(readonly base: HTMLCanvasElement, readonly top: HTMLCanvasElement, public levels: Levels) {}

  /** The image's place, in CSS pixels. */
  get box(): { left: number; top: number; width: number; height: number } {
    return {
      left: GUTTER.left,
      top: TOP,
      width: Math.max(10, this.width - GUTTER.left - GUTTER.right),
      height: Math.max(10, this.height - TOP - AXIS - BAR - BAR_LABELS),
    };
  }

  /** All columns and rows there are, with half a one on each side of its number, as the plot of a spectrum has them. */
  get whole(): { x: Range; y: Range } {
    const { corner, width, height } = this.levels.preview;
    return {
      x: { low: corner[0] - 0.5, high: corner[0] + width - 0.5 },
      y: { low: corner[1] - 0.5, high: corner[1] + height - 0.5 },
    };
  }

  resize(width: number, height: number): void {
    this.width = width;
    this.height = height;
    this.ratio = Math.min(devicePixelRatio || 1, SHARPEST);
    for (const canvas of [this.base, this.top]) {
      canvas.width = Math.round(width * this.ratio);
      canvas.height = Math.round(height * this.ratio);
    }
    this.redraw();
  }

  redraw(what: "all" | "top" = "all"): void {
    this.dirty.top = true;
    if (what === "all") this.dirty.base = true;
    this.frame ||= requestAnimationFrame(() => this.draw());
  }

  /** Draw now what is not drawn yet. */
  draw(): void {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    if (!this.width || !this.look) return;
    if (this.dirty.base) this.drawBase(this.look);
    if (this.dirty.top) this.drawTop();
    this.dirty = { base: false, top: false };
  }

  end(): void {
    cancelAnimationFrame(this.frame);
  }

  toX = (column: number): number => this.box.left + ((column - this.x.low) / span(this.x)) * this.box.width;
  toY = (row: number): number => this.box.top + (1 - (row - this.y.low) / span(this.y)) * this.box.height;
  fromX = (x: number): number => this.x.low + ((x - this.box.left) / this.box.width) * span(this.x);
  fromY = (y: number): number => this.y.low + (1 - (y - this.box.top) / this.box.height) * span(this.y);

  /** Point at a pixel of the raw frame, or at nothing. */
  point(place: { column: number; row: number } | null): void {
    const { corner, width, height } = this.levels.preview;
    const [column, row] = [Math.round(place?.column ?? NaN), Math.round(place?.row ?? NaN)];
    const [i, j] = [column - corner[0], row - corner[1]];
    if (!(i >= 0 && i < width && j >= 0 && j < height)) {
      this.pointed.value = null;
      return;
    }
    const at = j * this.levels.full.width + i;
    this.pointed.value = {
      column,
      row,
      value: value(this.levels.full, this.levels.full.steps[at] ?? 0),
      mask: this.levels.mask?.[at] ?? 0,
    };
  }

  private colours(look: Look): (grid: Grid) => Uint32Array {
    if (this.tablesOf !== look) this.tables = new WeakMap();
    this.tablesOf = look;
    return (grid) => {
      const known = this.tables.get(grid.transform) ?? lookup(grid, look.limits, look.stretch, look.palette);
      this.tables.set(grid.transform, known);
      return known;
    };
  }

  private drawBase(look: Look): void {
    const context = this.base.getContext("2d", { alpha: false });
    if (!context) return;
    const { box, ratio } = this;
    const ground = colour("plot-ground");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = ground;
    context.fillRect(0, 0, this.base.width, this.base.height);
    const [width, height] = [Math.round(box.width * ratio), Math.round(box.height * ratio)];
    if (this.image?.width !== width || this.image.height !== height) this.image = new ImageData(width, height);
    const out = new Uint32Array(this.image.data.buffer);
    const marks = look.marked ? { bits: look.marked, table: (shaped: boolean) => markTable(look.marked, markColour, shaped) } : null;
    paint(out, width, height, this.levels, this.x, this.y, { colours: this.colours(look), marks, ground: packed(ground) });
    context.putImageData(this.image, Math.round(box.left * ratio), Math.round(box.top * ratio));
    drawn("image-drawn");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.axes(context);
    this.bar(context, look);
  }

  private axes(context: CanvasRenderingContext2D): void {
    const { box } = this;
    const bottom = box.top + box.height;
    context.font = `12px ${getComputedStyle(this.top).fontFamily}`;
    context.fillStyle = context.strokeStyle = colour("plot-axis");
    context.lineWidth = 1;
    context.strokeRect(box.left - 0.5, box.top - 0.5, box.width + 1, box.height + 1);
    context.beginPath();
    context.textAlign = "center";
    context.textBaseline = "top";
    for (const tick of ticks(this.x, box.width / 80)) {
      const x = this.toX(tick);
      context.moveTo(x, bottom);
      context.lineTo(x, bottom + 5);
      const half = context.measureText(String(tick)).width / 2;
      context.fillText(String(tick), Math.min(x, this.width - half - 1), bottom + 8);
    }
    context.fillText("Column", box.left + box.width / 2, bottom + 23);
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const tick of ticks(this.y, box.height / 45)) {
      const y = this.toY(tick);
      context.moveTo(box.left, y);
      context.lineTo(box.left - 5, y);
      context.fillText(String(tick), box.left - 8, y);
    }
    context.stroke();
    context.save();
    context.translate(12, box.top + box.height / 2);
    context.rotate(-Math.PI / 2);
    context.textAlign = "center";
    context.fillText("Row", 0, 0);
    context.restore();
  }

  private bar(context: CanvasRenderingContext2D, { palette, stretch, limits }: Look): void {
    const { box } = this;
    const top = box.top + box.height + AXIS;
    const strip = document.createElement("canvas");
    [strip.width, strip.height] = [256, 1];
    const pixels = new ImageData(256, 1);
    new Uint32Array(pixels.data.buffer).set(palette);
    strip.getContext("2d")?.putImageData(pixels, 0, 0);
    context.imageSmoothingEnabled = false;
    context.drawImage(strip, box.left, top, box.width, BAR);
    context.strokeRect(box.left - 0.5, top - 0.5, box.width + 1, BAR + 1);
    context.textBaseline = "top";
    context.beginPath();
    const most = Math.max(2, Math.min(8, Math.floor(box.width / 90)));
    const values = Array.from({ length: most + 1 }, (_, i) => limits.low + unstretched(stretch, i / most) * span(limits));
    const labels = told(values);
    for (let i = 0; i <= most; i++) {
      const x = box.left + (i / most) * box.width;
      context.moveTo(x, top + BAR);
      context.lineTo(x, top + BAR + 4);
      context.textAlign = i === most ? "right" : i ? "center" : "left";
      context.fillText(labels[i] ?? "", i === most ? x + GUTTER.right - 2 : x, top + BAR + 6);
    }
    context.stroke();
    context.textAlign = "right";
    context.fillText(unitWord(this.levels.preview.unit), box.left - 8, top);
  }

  private drawTop(): void {
    const context = this.top.getContext("2d");
    if (!context) return;
    const { box } = this;
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    context.save();
    context.beginPath();
    context.rect(box.left, box.top, box.width, box.height);
    context.clip();
    const colours = { target: colour("target"), zone: colour("zone"), ground: colour("plot-ground") };
    this.targets.forEach((one, i) => this.target(context, one, i, colours));
    if (this.column !== null) {
      context.strokeStyle = colour("mark");
      context.lineWidth = 1;
      context.setLineDash([]);
      const x = Math.round(this.toX(this.column)) + 0.5;
      context.beginPath();
      context.moveTo(x, box.top);
      context.lineTo(x, box.top + box.height);
      context.stroke();
    }
    context.restore();
  }

  /** Trace: a line; aperture: two lines; sky: dashed edges and a veil. The number says whose they are. */
  private target(
    context: CanvasRenderingContext2D, one: Drawn, index: number, colours: { target: string; zone: string; ground: string },
  ): void {
    const { corner, width } = this.levels.preview;
    const low = Math.max(0, Math.floor(this.x.low - corner[0]) - 1);
    const high = Math.min(width - 1, Math.ceil(this.x.high - corner[0]) + 1);
    if (high <= low) return;
    const columns = [low, ...one.columns.filter((column) => column > low && column < high), high];
    const places = columns.map((column) => [this.toX(column + corner[0]), traceAt(one, column) + corner[1]] as const);
    const line = (off: number) => places.map(([x, row]) => [x, this.toY(row + off)] as const);
    const stroke = (off: number, paint: string, dash: number[], wide: number) => {
      const path = new Path2D();
      line(off).forEach(([x, y]) => path.lineTo(x, y));
      context.setLineDash(dash);
      context.strokeStyle = colours.ground; // a rim, so that a line is seen on any colour map
      context.lineWidth = wide + 2;
      context.globalAlpha = 0.6;
      context.stroke(path);
      context.globalAlpha = 1;
      context.strokeStyle = paint;
      context.lineWidth = wide;
      context.stroke(path);
    };
    const held = (part: Grip["part"], edge?: number, zone?: number) => {
      const grip = this.held as { target: number; part: string; edge?: number; zone?: number } | null;
      return grip?.target === index && grip.part === part && grip.edge === edge && grip.zone === zone;
    };
    one.sky.forEach(([from, to], zone) => {
      const veil = new Path2D();
      line(from).forEach(([x, y]) => veil.lineTo(x, y));
      line(to).reverse().forEach(([x, y]) => veil.lineTo(x, y));
      context.globalAlpha = this.editing ? 0.1 : 0.05;
      context.fillStyle = colours.zone;
      context.fill(veil);
      context.globalAlpha = 1;
      [from, to].forEach((off, edge) => stroke(off, colours.zone, [8, 6], held("sky", edge, zone) ? 3 : 1.25));
    });
    one.target.forEach((off, edge) => stroke(off, colours.target, [], held("target", edge) ? 3 : 1.25));
    stroke(0, colours.target, [2, 4], held("trace") ? 3 : 1.25);
    this.label(context, `${index + 1}`, line(one.target[1]), colours);
    if (this.editing) this.handles(context, one, line, colours);
  }

  private label(
    context: CanvasRenderingContext2D, text: string, edge: (readonly [number, number])[], colours: { target: string; ground: string },
  ): void {
    const [x, y] = edge[0] ?? [0, 0];
    context.font = `600 13px ${getComputedStyle(this.top).fontFamily}`;
    context.textAlign = "left";
    context.textBaseline = "bottom";
    context.setLineDash([]);
    context.lineWidth = 4;
    context.strokeStyle = colours.ground;
    const left = Math.max(x, this.box.left) + 6;
    context.strokeText(text, left, y - 2);
    context.fillStyle = colours.target;
    context.fillText(text, left, y - 2);
  }

  private handles(
    context: CanvasRenderingContext2D, one: Drawn, line: (off: number) => (readonly [number, number])[],
    colours: { target: string; zone: string; ground: string },
  ): void {
    const square = (off: number, paint: string) => {
      const path = line(off);
      const [x, y] = path[path.length >> 1] ?? [0, 0];
      context.setLineDash([]);
      context.fillStyle = paint;
      context.strokeStyle = colours.ground;
      context.lineWidth = 1.5;
      context.fillRect(x - 4, y - 4, 8, 8);
      context.strokeRect(x - 4, y - 4, 8, 8);
    };
    for (const zone of one.sky) for (const off of zone) square(off, colours.zone);
    for (const off of one.target) square(off, colours.target);
  }
}

const markColour = (name: string): number => packed(colour(name));

/** Numbers with as few digits as tell them apart. */
function told(values: number[]): string[] {
  for (let digits = 3; ; digits++) {
    const texts = values.map((one) => figure(one, digits));
    if (digits === 7 || new Set(texts).size === texts.length) return texts;
  }
}

export const unitWord = (unit: string): string => (unit === "electron" ? "e⁻" : unit);
