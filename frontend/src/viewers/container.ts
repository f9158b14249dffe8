// The pipeline's preview container (chalicelib/science/preview.py) and plain FITS images, decoded to what the viewers draw.
// Pure functions of bytes: the worker calls them, and so do the tests.

import type { Overlay } from "../api/types";
import type { Survey } from "./image/survey";

/** A grid of 16-bit steps with what turns a step into a value. Row 0 is the bottom one. */
export interface Grid {
  /** Pixels of the full image along each axis that one of this grid has. */
  factor: number;
  width: number;
  height: number;
  steps: Uint16Array;
  /** Value = (t² / 4 − 3/8 − noise2) with t = step / scale for "anscombe", offset + step / scale for "linear". */
  transform: { name: "anscombe"; scale: number; noise2: number } | { name: "linear"; scale: number; offset: number };
}

export interface ImagePreview {
  kind: "image";
  unit: string;
  width: number;
  height: number;
  /** The coarse level, for a first look, and the full one. */
  grids: Grid[];
  /** Bits: 1 bad, 2 saturated, 4 cosmic ray, 8 no flat, 16 outside the slit; null where nothing is known. */
  mask: Uint8Array | null;
  limits: { low: number; high: number };
  /** 0-based column and row of pixel (0, 0) in the raw frame (its binned pixels). */
  corner: [number, number];
  binning: [number, number];
  /** 0-based detector pixel of the raw frame's first pixel. */
  origin: [number, number];
  targets: Overlay[];
  /** What was counted of it where it was decoded. */
  survey?: Survey;
}

export interface SpectrumPreview {
  kind: "spectrum";
  unit: string;
  length: number;
  /** Column of the raw frame of element 0. */
  firstColumn: number;
  target: number | null;
  calibrated: boolean;
  limits: { low: number; high: number };
  flux: Float32Array;
  error: Float32Array;
  fluxBox: Float32Array;
  errorBox: Float32Array;
  sky: Float32Array;
  mask: Uint8Array;
  /** Ångström in air and in vacuum; null before the calibration. */
  wavelength: Float64Array | null;
  vacuum: Float64Array | null;
}

export type Preview = ImagePreview | SpectrumPreview;

interface Chunk {
  offset: number;
  length: number;
  encoding: "raw" | "deflate";
  dtype: string;
  shape: number[];
}

/** The value of a step of a grid. */
export function value(grid: Grid, step: number): number {
  const { transform } = grid;
  if (transform.name === "linear") return transform.offset + step / transform.scale;
  const t = step / transform.scale;
  return (t * t) / 4 - 0.375 - transform.noise2;
}

/** The step of a value, not rounded: the inverse of {@link value}. */
export function step(grid: Grid, wanted: number): number {
  const { transform } = grid;
  if (transform.name === "linear") return (wanted - transform.offset) * transform.scale;
  return 2 * Math.sqrt(Math.max(wanted + 0.375 + transform.noise2, 0)) * transform.scale;
}

async function inflated(bytes: Uint8Array, format: CompressionFormat): Promise<Uint8Array> {
  const stream = new Blob([bytes as BlobPart]).stream().pipeThrough(new DecompressionStream(format));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Decode a preview. Throws an Error with a sentence if the bytes are none. */
export async function decodePreview(bytes: Uint8Array): Promise<Preview> {
  if (bytes.length < 8 || String.fromCharCode(...bytes.subarray(0, 4)) !== "GLPV") throw new Error("This is no preview.");
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  const base = 8 + length;
  const chunk = async (entry: Chunk): Promise<Uint8Array> => {
    const part = bytes.subarray(base + entry.offset, base + entry.offset + entry.length);
    if (part.length !== entry.length) throw new Error("The preview ends too early.");
    return entry.encoding === "deflate" ? inflated(part, "deflate") : part;
  };
  return header.kind === "spectrum" ? spectrum(header, chunk) : image(header, chunk);
}

// The header is JSON that our own blocks wrote.
type Json = any;
type Reader = (entry: Chunk) => Promise<Uint8Array>;

async function spectrum(header: Json, chunk: Reader): Promise<SpectrumPreview> {
  const columns: Record<string, Chunk> = header.columns;
  const bytes = async (name: string): Promise<ArrayBuffer> => {
    const entry = columns[name];
    if (!entry) throw new Error(`The preview has no column ${name}.`);
    return (await chunk(entry)).slice().buffer; // a copy, so that floats begin at a multiple of their size
  };
  const floats = async (name: string) => new Float32Array(await bytes(name));
  const doubles = async (name: string) => (columns[name] ? new Float64Array(await bytes(name)) : null);
  return {
    kind: "spectrum",
    unit: header.unit,
    length: header.length,
    firstColumn: header.first_column,
    target: header.target ?? null,
    calibrated: header.calibrated,
    limits: header.limits,
    flux: await floats("flux"),
    error: await floats("error"),
    fluxBox: await floats("flux_box"),
    errorBox: await floats("error_box"),
    sky: await floats("sky"),
    mask: new Uint8Array(await bytes("mask")),
    wavelength: await doubles("wavelength"),
    vacuum: await doubles("wavelength_vac"),
  };
}

async function image(header: Json, chunk: Reader): Promise<ImagePreview> {
  const grids: Grid[] = [];
  for (const level of header.levels) {
    const [height, width] = level.shape as [number, number];
    const [low, high] = await Promise.all([chunk(level.planes.low), chunk(level.planes.high)]);
    const steps = new Uint16Array(width * height);
    for (let at = 0; at < steps.length; at += width) {
      let sum = 0;
      for (let i = at; i < at + width; i++) {
        sum = (sum + (low[i] as number) + ((high[i] as number) << 8)) & 0xffff;
        steps[i] = sum;
      }
    }
    grids.push({ factor: level.factor, width, height, steps, transform: level.transform });
  }
  const [height, width] = header.shape as [number, number];
  return {
    kind: "image",
    unit: header.unit,
    width,
    height,
    grids,
    mask: header.mask ? await chunk(header.mask) : null,
    limits: header.limits,
    corner: header.section.corner,
    binning: header.section.binning,
    origin: header.section.roi_origin,
    targets: header.targets ?? [],
  };
}

const BLOCK = 2880;

interface Hdu {
  cards: Map<string, string>;
  data: number;
  next: number;
}

function hdu(bytes: Uint8Array, at: number): Hdu {
  const cards = new Map<string, string>();
  const text = new TextDecoder("latin1");
  let end = at;
  for (let done = false; !done; end += BLOCK) {
    if (end + BLOCK > bytes.length) throw new Error("The FITS header ends too early.");
    for (let card = end; card < end + BLOCK; card += 80) {
      const line = text.decode(bytes.subarray(card, card + 80));
      const name = line.slice(0, 8).trim();
      if (name === "END") {
        done = true;
        break;
      }
      if (line.slice(8, 10) === "= ") {
        const given = line.slice(10);
        const quoted = /^\s*'((?:[^']|'')*)'/.exec(given);
        cards.set(name, quoted ? (quoted[1] ?? "").trimEnd() : (given.split("/")[0] ?? "").trim());
      }
    }
  }
  const number = (name: string, otherwise: number) => Number(cards.get(name) ?? otherwise);
  let size = number("NAXIS", 0) ? Math.abs(number("BITPIX", 8)) / 8 : 0;
  for (let axis = 1; axis <= number("NAXIS", 0); axis++) size *= number(`NAXIS${axis}`, 0);
  size = (size + number("PCOUNT", 0)) * number("GCOUNT", 1);
  return { cards, data: end, next: end + Math.ceil(size / BLOCK) * BLOCK };
}

/** Decode the first image of a FITS file, gzipped or not, of 16 or 32 bits or floats, with two axes or a third of 1. */
export async function decodeFits(given: Uint8Array): Promise<ImagePreview> {
  const bytes = given[0] === 0x1f && given[1] === 0x8b ? await inflated(given, "gzip") : given;
  let at = 0;
  while (at < bytes.length) {
    const found = hdu(bytes, at);
    const number = (name: string, otherwise: number) => Number(found.cards.get(name) ?? otherwise);
    if (found.cards.get("ZIMAGE") === "T") throw new Error("A compressed raw frame (.fits.fz) is not drawn here: download it.");
    if (number("NAXIS", 0) >= 2 && !found.cards.get("XTENSION")?.startsWith("BINTABLE")) {
      const [width, height] = [number("NAXIS1", 0), number("NAXIS2", 0)];
      const view = new DataView(bytes.buffer, bytes.byteOffset + found.data, bytes.length - found.data);
      const image = fitsImage(view, width, height, number("BITPIX", 0), number("BSCALE", 1), number("BZERO", 0));
      const binning = /^(\d+)\s+(\d+)$/.exec(found.cards.get("CCDSUM") ?? "");
      return binning ? { ...image, binning: [Number(binning[1]), Number(binning[2])] } : image;
    }
    at = found.next;
  }
  throw new Error("There is no image in this FITS file.");
}

function fitsImage(view: DataView, width: number, height: number, bitpix: number, scale: number, zero: number): ImagePreview {
  const total = width * height;
  if (view.byteLength < (total * Math.abs(bitpix)) / 8) throw new Error("The FITS file ends before its last pixel.");
  const steps = new Uint16Array(total);
  let transform: Grid["transform"];
  if (bitpix === 16) {
    for (let i = 0; i < total; i++) steps[i] = view.getInt16(2 * i) + 32768;
    transform = { name: "linear", scale: 1 / scale, offset: zero - 32768 * scale };
  } else {
    const read = { 8: 1, 32: 4, "-32": 4, "-64": 8 }[String(bitpix)];
    if (!read) throw new Error(`Pixels of BITPIX ${bitpix} are not drawn here.`);
    const pixel = (i: number) =>
      zero + scale * (bitpix === -32 ? view.getFloat32(4 * i) : bitpix === -64 ? view.getFloat64(8 * i) : bitpix === 32 ? view.getInt32(4 * i) : view.getUint8(i));
    let [low, high] = [Infinity, -Infinity];
    for (let i = 0; i < total; i++) {
      const one = pixel(i);
      if (one < low && one > -Infinity) low = one;
      if (one > high && one < Infinity) high = one;
    }
    if (!(high > low)) [low, high] = [Number.isFinite(low) ? low : 0, (Number.isFinite(low) ? low : 0) + 1];
    const factor = 65535 / (high - low);
    for (let i = 0; i < total; i++) steps[i] = Math.max(0, Math.min(65535, Math.round((pixel(i) - low) * factor)));
    transform = { name: "linear", scale: factor, offset: low };
  }
  const grid: Grid = { factor: 1, width, height, steps, transform };
  const sample: number[] = [];
  const stride = Math.max(1, Math.floor(total / 20011));
  for (let i = 0; i < total; i += stride) sample.push(steps[i] as number);
  sample.sort((a, b) => a - b);
  const quantile = (q: number) => value(grid, sample[Math.min(sample.length - 1, Math.floor(q * sample.length))] ?? 0);
  return {
    kind: "image", unit: "ADU", width, height, grids: [grid], mask: null,
    limits: { low: quantile(0.01), high: Math.max(quantile(0.995), quantile(0.01) + 1) },
    corner: [0, 0], binning: [1, 1], origin: [0, 0], targets: [],
  };
}
