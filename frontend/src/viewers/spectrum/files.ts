// Exports: a picture with title and axes, the table of what is shown, and the formats the service makes.

import { api, send } from "../../api/client";
import type { FileRecord } from "../../api/types";
import { title } from "../../core/format";
import { viewOf } from "./gestures";
import type { Link } from "../link";
import { DASHES, type Palette } from "./paint";
import type { Drawn } from "./plot";
import { inView, type Scene, waveOf } from "./scene";
import { csv } from "./table";

const stem = (record: FileRecord): string => (record.file_name ?? `file-${record.id}`).replace(/\.fits(\.\w+)?$/, "");

export function save(content: Blob, name: string): void {
  const url = URL.createObjectURL(content);
  follow(url, name);
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

function follow(url: string, name: string): void {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.rel = "noopener";
  link.click();
}

/** The FITS file itself, from the storage. */
export async function saveFits(record: FileRecord): Promise<void> {
  const { url } = await api.get<{ url: string }>(`/files/${record.id}/download`);
  follow(url, record.file_name ?? "");
}

/** All columns at native sampling, written by the service. */
export async function saveExport(record: FileRecord, format: "ascii" | "votable"): Promise<void> {
  const answer = await send("GET", `/files/${record.id}/export`, { query: { format } });
  save(await answer.blob(), `${stem(record)}.${format === "ascii" ? "ecsv" : "vot"}`);
}

export function saveTable(record: FileRecord, scene: Scene, low: number, high: number): void {
  const { settings, preview, waves } = scene;
  const [from, to] = inView(scene, low, high);
  const about = [
    `file: ${record.file_name} (id ${record.id}), sha256 ${record.sha256}`,
    `${title(record)}, target ${record.target ?? preview.target ?? "–"}`,
    `flux, error, sky: ${preview.unit} per column; extraction: ${settings.flux === "box" ? "sum over the aperture (box)" : "as chosen for the product (usually optimal)"}`,
    waves ? `wavelength: Angstrom, in ${settings.medium}` : "There is no wavelength calibration yet.",
    "mask: bits 1 bad, 2 saturated, 4 cosmic ray, 8 no flat, 16 outside the slit; column: 0-based column of the raw frame",
    ...(settings.smooth > 1 ? [`flux_smoothed: mean of ${settings.smooth} columns weighted by 1/error^2, as displayed; flux itself is as measured`] : []),
  ];
  const text = csv(about, {
    column: scene.columns, wavelength: waves, medium: settings.medium, flux: scene.measured, error: scene.measuredError,
    sky: preview.sky, mask: preview.mask, smoothed: settings.smooth > 1 ? scene.flux : null,
  }, from, to);
  save(new Blob([text], { type: "text/csv;charset=utf-8" }), `${stem(record)}.csv`);
}

/** Colours for paper are those of the light theme, whatever is shown. */
function paper(): { palette: Palette; done: () => void } {
  const probe = document.createElement("div");
  probe.dataset.theme = "light";
  document.body.append(probe);
  const style = getComputedStyle(probe);
  return { palette: (name) => style.getPropertyValue(`--${name}`).trim(), done: () => probe.remove() };
}

export async function savePicture(record: FileRecord, drawn: Drawn, link: Link, forPaper: boolean): Promise<void> {
  const { chart, painter } = drawn;
  const before = painter.palette;
  const print = forPaper ? paper() : null;
  const palette = print?.palette ?? before;
  const plot = chart.ctx.canvas;
  const dot = chart.ratio;
  const made = document.createElement("canvas");
  const overlays = painter.scene.overlays;
  const [head, line] = [46 * dot, 18 * dot];
  made.width = plot.width;
  made.height = plot.height + head + overlays.length * line + (overlays.length ? line : line / 2);
  const ctx = made.getContext("2d");
  if (!ctx) throw new Error("This browser gives no canvas for a picture.");
  try {
    painter.palette = palette;
    chart.draw();
    ctx.fillStyle = palette("plot-ground");
    ctx.fillRect(0, 0, made.width, made.height);
    ctx.drawImage(plot, 0, head);
    const write = (text: string, x: number, y: number, size: number, colour: string, weight = 400) => {
      ctx.fillStyle = palette(colour);
      ctx.font = `${weight} ${size * dot}px ${painter.font}`;
      ctx.fillText(text, x, y, made.width - x - 8 * dot);
    };
    write(title(record), 12 * dot, 19 * dot, 14, "text", 600);
    write(caption(record, painter.scene, link, drawn), 12 * dot, 37 * dot, 11, "soft");
    overlays.forEach((one, at) => {
      const y = head + plot.height + (at + 0.8) * line;
      ctx.strokeStyle = palette(`overlay-${at + 1}`);
      ctx.lineWidth = 1.5 * dot;
      ctx.setLineDash((DASHES[at] ?? []).map((part) => part * dot));
      ctx.beginPath();
      ctx.moveTo(12 * dot, y - 4 * dot);
      ctx.lineTo(52 * dot, y - 4 * dot);
      ctx.stroke();
      write(`${one.name} × ${Number(one.factor.toPrecision(3))}`, 60 * dot, y, 11, "text");
    });
  } finally {
    painter.palette = before;
    print?.done();
    chart.draw();
  }
  const blob = await new Promise<Blob | null>((done) => made.toBlob(done, "image/png"));
  if (!blob) throw new Error("The picture could not be made.");
  save(blob, `${stem(record)}.png`);
}

function caption(record: FileRecord, scene: Scene, link: Link, drawn: Drawn): string {
  const { low, high } = viewOf(link, drawn.painter);
  const range = scene.waves ? `${waveOf(scene, low).toFixed(0)}–${waveOf(scene, high).toFixed(0)} Å (${scene.settings.medium})` : `columns ${low.toFixed(0)}–${high.toFixed(0)}`;
  const smoothed = scene.settings.smooth > 1 ? `, smoothed over ${scene.settings.smooth} columns` : "";
  const shifted = scene.settings.lists.length ? `, lines at z = ${scene.settings.z}` : "";
  return `${record.file_name ?? ""} · ${range}${smoothed}${shifted}`;
}
