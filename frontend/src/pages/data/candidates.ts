// Calibrations that would serve a frame: their figures in words, and which two may be taken.

import type { Candidate as Given, Candidates } from "../../api/types";
import { fixed, plural } from "../../core/format";

export interface Figures {
  nights_apart?: number;
  minutes_apart?: number;
  members?: number;
  saturated_percent?: number;
  camera_angle?: number | null;
  grating_angle?: number | null;
}
export type Candidate = Omit<Given, "figures"> & { figures: Figures };
export type Kind = "bias" | "flat" | "arc";
export interface Served {
  ignored: boolean;
  hidden: number;
  candidates: Candidate[];
}

export const KINDS: [Kind, string][] = [["bias", "Master bias"], ["flat", "Master flat"], ["arc", "Comparison lamp"]];

export const servedOf = (found: Candidates, kind: Kind): Served | undefined => found[kind] as Served | undefined;

/** "5.2 min after" the frame, from middle to middle of the exposures. */
export function apart(minutes: number): string {
  const size = Math.abs(minutes);
  const side = minutes > 0 ? "after" : "before";
  return size < 120 ? `${fixed(size, 1)} min ${side}` : `${fixed(size / 60, 1)} h ${side}`;
}

/** Ticked or not; never more than two, the third has to wait until one is let go. */
export function toggled(picked: readonly number[], id: number): number[] {
  if (picked.includes(id)) return picked.filter((one) => one !== id);
  return picked.length < 2 ? [...picked, id] : [...picked];
}

/** What the present choice means. */
export function chosenWords(candidates: readonly Candidate[], picked: readonly number[]): string {
  const chosen = candidates.filter((one) => picked.includes(one.id));
  if (chosen.length === 0) return "Tick it in the table.";
  if (chosen.length === 1) return "One lamp: its wavelengths are taken as they are.";
  const minutes = chosen.map((one) => one.figures.minutes_apart);
  if (minutes.some((one) => one === undefined)) return "";
  const [first, second] = (minutes as number[]).sort((a, b) => a - b) as [number, number];
  if (first <= 0 && second >= 0) return `Two that bracket the exposure, ${fixed(second - first, 1)} min apart: the drift between them is interpolated.`;
  return `Both were taken ${second < 0 ? "before" : "after"} the exposure: they do not bracket it, and the time of the nearer is taken.`;
}

/** How many serve, for a line above the table. */
export function servingWords(served: Served): string {
  const serving = served.candidates.filter((one) => one.rank !== null).length;
  const not = served.candidates.length - serving;
  return `${serving} would serve${not ? `; ${plural(not, "does", "do")} not` : ""}`;
}
