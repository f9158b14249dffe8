// The frames of a night: counted, filtered, and what of them is new. Pure functions.

import type { ObservingLog } from "../../api/types";
import { figure, plural } from "../../core/format";

export type Frame = ObservingLog["frames"][number];

const ORDER = ["done", "provisional", "running", "waiting", "queued", "failed", "rejected"];
const WORDS: Record<string, string> = {
  done: "done", provisional: "provisional", running: "running", waiting: "waiting", queued: "queued", failed: "failed", rejected: "rejected",
};

export const isFailed = (frame: Frame): boolean => frame.status === "failed" || frame.status === "rejected";
export const isWarned = (frame: Frame): boolean => frame.status === "provisional";

/** How many frames there are of each status, in the order of their life. */
export function counts(frames: Frame[]): { status: string; word: string; count: number }[] {
  const found = new Map<string, number>();
  for (const frame of frames) found.set(frame.status ?? "unknown", (found.get(frame.status ?? "unknown") ?? 0) + 1);
  const known = ORDER.filter((status) => found.has(status));
  const others = [...found.keys()].filter((status) => !ORDER.includes(status));
  return [...known, ...others].map((status) => ({ status, word: WORDS[status] ?? status, count: found.get(status) ?? 0 }));
}

/** "0042_….fits SPECTRUM SN 2026abc: done, S/N 35, seeing 1.1″". */
export function announcement(frame: Frame): string {
  const name = [frame.file_name ?? String(frame.id), frame.obstype, frame.object].filter(Boolean).join(" ");
  const facts = [WORDS[frame.status ?? ""] ?? frame.status ?? "received"];
  if (frame.signal_to_noise !== null) facts.push(`S/N ${figure(frame.signal_to_noise)}`);
  if (frame.seeing !== null) facts.push(`seeing ${figure(frame.seeing, 2)}″`);
  if (frame.wavelength_rms !== null) facts.push(`rms ${figure(frame.wavelength_rms, 2)} Å`);
  return `${name}: ${facts.join(", ")}`;
}

/** What a reader has to be told of a frame changes when this does. */
const state = (frame: Frame): string => [frame.status, frame.signal_to_noise, frame.wavelength_rms].join();

/** The newest frame that came or changed between two looks; undefined if none did. */
export function changed(before: Frame[], now: Frame[]): Frame | undefined {
  const old = new Map(before.map((frame) => [frame.id, state(frame)]));
  return now.findLast((frame) => old.get(frame.id) !== state(frame));
}

/** Values of a field among the frames, each once, in alphabetical order. */
export function valuesOf(frames: Frame[], field: "obstype" | "proposal_id"): string[] {
  return [...new Set(frames.flatMap((frame) => frame[field] ?? []))].sort();
}

export interface Shown {
  obstype: string;
  proposal: string;
  newestFirst: boolean;
}

/** The frames a reader wants to see, in their order; the log's own is the order of time. */
export function shownOf(frames: Frame[], { obstype, proposal, newestFirst }: Shown): Frame[] {
  const found = frames.filter((one) => (!obstype || one.obstype === obstype) && (!proposal || one.proposal_id === proposal));
  return newestFirst ? found.reverse() : found;
}

/** A sentence for those who cannot see the strip. */
export function summary(frames: Frame[]): string {
  const timed = frames.filter((frame) => frame.time);
  const [first, last] = [timed[0]?.time, timed.at(-1)?.time];
  if (!first || !last) return "No frame of this night says when it was taken.";
  const said = [`${plural(timed.length, "frame")} from ${first.slice(11, 16)} to ${last.slice(11, 16)} UT.`];
  for (const [field, name, unit] of MEASURED) {
    const values = timed.flatMap((frame) => frame[field] ?? []);
    if (values.length) said.push(`${name} from ${figure(Math.min(...values))} to ${figure(Math.max(...values))}${unit}.`);
  }
  const failed = timed.filter(isFailed).length;
  if (failed) said.push(`${plural(failed, "frame")} failed or ${failed === 1 ? "was" : "were"} rejected.`);
  return said.join(" ");
}

/** What the strip plots: field, name, unit. */
export const MEASURED = [
  ["signal_to_noise", "S/N", ""],
  ["seeing", "Seeing FWHM", "″"],
  ["wavelength_rms", "Wavelength rms", " Å"],
] as const;

/** The elements in the way of the light: "no filter" is not told. */
export const elements = (...parts: (string | null)[]): string =>
  parts.filter((part) => part && !/^NO[ _](FILTER|GRATING|MASK)$/i.test(part)).join(" · ") || "–";
