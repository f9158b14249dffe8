// What is to be drawn, worked out of a preview and the settings. The plot's x is always the raw frame's column, so that a line
// stands exactly above its place in the 2-D frame; wavelengths are written on it by the arrays.

import type { SpectrumPreview } from "../container";
import { interpolate, limits, median, smooth } from "./numbers";
import type { Settings } from "./settings";

/** Line lists: those of lines.ts, which is fetched only when lines are wanted. */
export const LIST_IDS = ["h", "he", "gal", "abs", "sn", "qso", "atm", "sky"];

export interface Mark {
  /** Identifies a line while it is dragged. */
  rest: number;
  label: string;
  /** Whether it moves with the redshift. */
  moves: boolean;
  column: number;
  /** Of a band. */
  end?: number;
}

export interface Curve {
  /** Rising or falling columns of this spectrum where the other's elements lie. */
  columns: Float64Array;
  flux: Float32Array;
  factor: number;
  name: string;
}

export interface Scene {
  preview: SpectrumPreview;
  settings: Settings;
  columns: Float64Array;
  /** Of the medium asked for; null before the calibration. */
  waves: Float64Array | null;
  /** As measured, by the extraction asked for. */
  measured: Float32Array;
  measuredError: Float32Array;
  /** As drawn. */
  flux: Float32Array;
  error: Float32Array;
  marks: Mark[];
  overlays: Curve[];
}

export interface Other {
  name: string;
  preview: SpectrumPreview;
}

export interface Loaded extends Other {
  id: number;
}
/** What is to be laid over: what has come, and what cannot be had. */
export interface Laid {
  ready: Loaded[];
  failed: { id: number; error: unknown }[];
  retry: () => void;
}

const wavesOf = (preview: SpectrumPreview, { medium }: Settings) => (medium === "vacuum" ? preview.vacuum : preview.wavelength);

/** `marksOf` (marks.ts) finds the lines; it is fetched when lines are first wanted. */
export function makeScene(preview: SpectrumPreview, settings: Settings, others: readonly Other[], marksOf: ((scene: Scene) => Mark[]) | null): Scene {
  const waves = wavesOf(preview, settings);
  const box = settings.flux === "box";
  const [measured, measuredError] = box ? [preview.fluxBox, preview.errorBox] : [preview.flux, preview.error];
  const columns = Float64Array.from({ length: preview.length }, (_, i) => preview.firstColumn + i);
  const { flux, error } = smooth(measured, measuredError, preview.mask, settings.smooth);
  const scene: Scene = { preview, settings, columns, waves, measured, measuredError, flux, error, marks: [], overlays: [] };
  if (waves) {
    scene.marks = marksOf?.(scene) ?? [];
    scene.overlays = others.map((other) => curve(scene, other)).filter((one) => one !== null);
  }
  return scene;
}

/** The column at which a wavelength of the medium shown is seen, with fractions; outside the arrays continued straight. */
export const columnOf = ({ waves, preview }: Scene, wave: number): number =>
  waves ? interpolate(waves, (at) => preview.firstColumn + at, wave) : NaN;

export const waveOf = ({ waves, columns }: Scene, column: number): number =>
  waves ? interpolate(columns, (at) => waves[at] ?? NaN, column) : NaN;

export const indexOf = ({ preview }: Scene, column: number): number => Math.round(column - preview.firstColumn);

/** Left and right edge of all columns. */
export const ends = ({ preview }: Scene): [number, number] => [preview.firstColumn - 0.5, preview.firstColumn + Math.max(preview.length, 1) - 0.5];

function curve(scene: Scene, { name, preview }: Other): Curve | null {
  const waves = wavesOf(preview, scene.settings);
  if (!waves) return null;
  const [first, last] = ends(scene);
  const columns = Float64Array.from(waves, (wave) => columnOf(scene, wave));
  const box = scene.settings.flux === "box";
  const { flux } = smooth(box ? preview.fluxBox : preview.flux, box ? preview.errorBox : preview.error, preview.mask, scene.settings.smooth);
  let factor = 1;
  if (scene.settings.match) {
    const common = flux.filter((_, i) => !preview.mask[i] && (columns[i] as number) >= first && (columns[i] as number) <= last);
    const [low, high] = [Math.min(columns[0] ?? 0, columns.at(-1) ?? 0), Math.max(columns[0] ?? 0, columns.at(-1) ?? 0)];
    const mine = scene.flux.filter((_, i) => !scene.preview.mask[i] && (scene.columns[i] as number) >= low && (scene.columns[i] as number) <= high);
    const ratio = median(mine) / median(common);
    if (Number.isFinite(ratio) && ratio > 0) factor = ratio;
  }
  return { columns, flux: flux.map((one) => one * factor), factor, name };
}

/** Elements in view: from, to (not itself). */
export function inView(scene: Scene, low: number, high: number): [number, number] {
  const from = Math.max(0, indexOf(scene, low));
  return [from, Math.max(from, Math.min(scene.preview.length, indexOf(scene, high) + 1))];
}

/**
 * Limits of the flux axis for the columns in view. Masked elements count only where there is nothing else; `room` is left above
 * for labels, as a part of the axis.
 */
export function fluxLimits(scene: Scene, low: number, high: number, room = 0): [number, number] {
  const { y, log, sky } = scene.settings;
  if (Array.isArray(y) && !(log && y[0] <= 0)) return y;
  const [from, to] = inView(scene, low, high);
  const mask = scene.preview.mask;
  const part = (values: Float32Array) => values.subarray(from, to);
  const good = part(scene.flux).filter((one, i) => !mask[from + i] && Number.isFinite(one));
  const values = [...(good.length ? good : part(scene.flux))];
  const over = scene.overlays.flatMap(({ columns, flux }) => [...flux.filter((_, i) => (columns[i] as number) >= low && (columns[i] as number) <= high)]);
  if (y === "all") values.push(...over);
  else {
    // A lamp laid over a faint star must not press it flat: what is more than an axis away does not count.
    const [bottom, top] = limits(values, [0.005, 0.995], log);
    values.push(...over.filter((one) => one > 2 * bottom - top && one < 2 * top - bottom));
  }
  const background = sky === "same" ? part(scene.preview.sky) : [];
  if (y === "all") values.push(...background);
  const [bottom, top] = limits(values, y === "all" ? [0, 1] : [0.005, 0.995], log);
  // The sky's lines would press the spectrum flat: its level is kept in view, not its peaks.
  const level = median(background);
  const below = level < bottom && !(log && level <= 0) ? level : bottom;
  const above = Math.max(top, Number.isFinite(level) ? level : top);
  return [below, log ? above * (above / below) ** room : above + (above - below) * room];
}

/** Limits of the sky's own scale. */
export function skyLimits(scene: Scene, low: number, high: number): [number, number] {
  const [from, to] = inView(scene, low, high);
  return limits(scene.preview.sky.subarray(from, to), [0, 1], false);
}

export const unitOf = ({ preview }: Scene): string => (preview.unit === "electron" ? "e⁻" : preview.unit);
export const fluxLabel = ({ preview }: Scene): string => (preview.unit === "electron" ? "Electrons per column" : `Flux (${preview.unit})`);
export function xLabel({ waves, settings }: Scene): string {
  if (!waves) return "Column (there is no wavelength calibration yet)";
  return settings.axis === "column" ? "Column of the raw frame" : `Wavelength (${settings.medium}, Å)`;
}
