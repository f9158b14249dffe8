// What is said of failures: of one its own sentence, of several how many. Pure.

import type { Event } from "../api/types";
import { plural } from "./format";

export interface Told {
  text: string;
  /** Where it is to be seen: the file, or the night. */
  file: number | null;
  night: number;
}

export function told(failures: readonly Event[]): Told | null {
  const files = new Map(failures.map((one) => [one.file_id ?? one.file_name ?? one.id, one]));
  const [first] = files.values();
  if (!first) return null;
  const night = Math.max(...failures.map((one) => one.night));
  if (files.size === 1) return { text: `${first.file_name ?? "A step"}: ${first.outcome}. ${first.sentence}`, file: first.file_id, night };
  const outcomes = new Set([...files.values()].map((one) => one.outcome));
  const word = outcomes.size > 1 ? "failed or were rejected" : outcomes.has("failed") ? "failed" : "were rejected";
  return { text: `${plural(files.size, "frame")} ${word}.`, file: null, night };
}
