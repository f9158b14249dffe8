// The reduction settings as a form holds them: names in words, what was typed, what differs.

import type { ProposalSettings } from "../../api/types";

export type Description = ProposalSettings["descriptions"][number];
export type Value = boolean | number | string;
export type Values = Record<string, Value>;
export type Revision = ProposalSettings["history"][number];

const NAMES: Record<string, string> = {
  saturation_threshold: "Saturation threshold (% of pixels)",
  cosmic_rays: "Cosmic rays",
  ignore_bias: "Ignore bias",
  ignore_flats: "Ignore flats",
  minimum_biases: "Minimum number of biases",
  minimum_flats: "Minimum number of flats",
  flat_normalization: "Flat normalization",
  flat_order: "Flat normalization order",
  extraction: "Extraction type",
  target_model: "Target model",
  maximum_targets: "Maximum number of targets",
  calibration_policy: "When calibrations are missing",
};

const CHOICES: Record<string, string> = {
  default: "Default",
  dcr: "DCR",
  lacosmic: "LACosmic",
  none: "None",
  mean: "Mean",
  simple: "Simple",
  full: "Full",
  fractional: "Fractional",
  optimal: "Optimal",
  moffat: "Moffat",
  gaussian: "Gaussian",
  provisional: "Go on provisionally",
  wait: "Wait",
};

/** A setting the page does not know yet is named as the API names it. */
export const settingName = (name: string): string => NAMES[name] ?? capital(name.replaceAll("_", " "));
export const choiceName = (choice: string): string => CHOICES[choice] ?? choice;

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

export function shownValue(value: unknown): string {
  if (typeof value === "boolean") return value ? "yes" : "no";
  return typeof value === "string" ? choiceName(value) : String(value ?? "–");
}

export const valuesOf = (settings: ProposalSettings["settings"]): Values => ({ ...settings }) as unknown as Values;

/** What was typed as the API takes it; a sentence where it cannot be. */
export function typed(description: Description, text: string): Value | Error {
  const number = Number(text.trim().replace(",", "."));
  const { type, low, high } = description;
  if (type !== "integer" && type !== "number") return text;
  if (!text.trim() || !Number.isFinite(number)) return new Error("This must be a number.");
  if (type === "integer" && !Number.isInteger(number)) return new Error("This must be a whole number.");
  if ((low !== null && number < low) || (high !== null && number > high)) return new Error(`This must lie between ${low} and ${high}.`);
  return number;
}

/** Only what is no longer as it was looked at: what is sent, and what is lost on leaving. */
export function changes(edits: Values, base: Values): Values {
  return Object.fromEntries(Object.entries(edits).filter(([name, value]) => value !== base[name]));
}

export interface Step {
  name: string;
  from: Value | undefined;
  to: Value | undefined;
}

/** What a revision changed; `before` is the revision before it, if it is known. */
export function steps(revision: Revision, before: Revision | undefined): Step[] {
  const now = valuesOf(revision.settings);
  const then = before ? valuesOf(before.settings) : {};
  return revision.changed.map((name) => ({ name, from: then[name], to: now[name] }));
}

/** "Minimum number of biases: 10 → 5" */
export const stepText = ({ name, from, to }: Step): string =>
  `${settingName(name)}: ${from === undefined ? "" : `${shownValue(from)} `}→ ${shownValue(to)}`;
