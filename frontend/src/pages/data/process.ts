// What can be done next to a file, and why not where it cannot.

import type { FileRecord } from "../../api/types";
import { CALIBRATED, EXTRACTED, FLUX, MASTER, RAW, REDUCED } from "./family";

export type Step = "reduce" | "extract" | "wavelength" | "flux" | "master";

export const STEPS: Record<Step, { label: string; again: string; path: string; words: string }> = {
  reduce: { label: "Reduce raw file", again: "Reduce again", path: "/reduce", words: "The reduction" },
  extract: { label: "Extract target", again: "Extract again", path: "/spectrum/extract", words: "The extraction" },
  wavelength: {
    label: "Calibrate wavelength",
    again: "Calibrate wavelength again",
    path: "/spectrum/calibrate/wavelength",
    words: "The wavelength calibration",
  },
  flux: { label: "Calibrate flux", again: "Calibrate flux again", path: "/spectrum/calibrate/flux", words: "The flux calibration" },
  master: { label: "Make a master", again: "Make the master again", path: "/calibrations", words: "The master" },
};

export const CALIBRATIONS = ["BIAS", "LAMPFLAT"];
export const OBSTYPES = ["SPECTRUM", "ARC", "EXPOSE", "LAMPFLAT", "BIAS", "FOCUS"] as const;

const AFTER: Record<string, Step> = {
  [RAW]: "reduce",
  [REDUCED]: "extract",
  [EXTRACTED]: "wavelength",
  [CALIBRATED]: "flux",
  [FLUX]: "flux",
};

/** The next step of a file. */
export function nextStep(record: FileRecord): Step {
  if (record.data_type === MASTER) return "master";
  if (record.data_type === RAW && CALIBRATIONS.includes(record.obstype ?? "")) return "master";
  return AFTER[record.data_type ?? RAW] ?? "reduce";
}

const named = (obstype: string): string => `${/^[AEIOU]/.test(obstype) ? "an" : "a"} ${obstype}`;

/** Why a step cannot be taken for a file; null if it can. */
export function against(step: Step, record: FileRecord): string | null {
  const obstype = record.obstype ?? "";
  if (step === "flux") return "Flux calibration is not built yet. Wavelength-calibrated spectra are in counts.";
  if (record.status === "rejected" || !obstype) return "This file could not be read as a frame of the spectrograph.";
  if (record.superseded_by) return "A later upload of the same name has taken its place.";
  if (step === "master") return null;
  if (obstype === "FOCUS") return "Focus frames are kept as raw files only.";
  if (CALIBRATIONS.includes(obstype)) return `A ${obstype} is not reduced by itself: it becomes part of a master.`;
  if (step === "reduce" || obstype === "SPECTRUM") return null;
  if (obstype === "ARC") return "A lamp is extracted and calibrated along the trace of each spectrum it serves.";
  return `There is no spectrum in ${named(obstype)} frame.`;
}

/** Why a file cannot be deleted; null if it can. */
export function undeletable(record: FileRecord, staff: boolean): string | null {
  if (record.data_type === RAW) return "Raw files are never deleted.";
  return record.data_type === MASTER && !staff ? "Masters serve everybody: only staff delete them." : null;
}

/** Why a file cannot be marked bad; null if it can; undefined where marking means nothing. */
export function unmarkable(record: FileRecord, staff: boolean): string | null | undefined {
  if (record.data_type === MASTER) return staff ? null : "Masters serve everybody: only staff mark them.";
  if (record.data_type !== RAW || ![...CALIBRATIONS, "ARC"].includes(record.obstype ?? "")) return undefined;
  return null;
}

/** Why a frame cannot be said to be something else; null if it can. */
export function unclassifiable(record: FileRecord): string | null {
  if (record.data_type === MASTER) return "Only raw frames can be said to be something else.";
  return record.status === "rejected" ? "This file could not be read as a frame of the spectrograph." : null;
}
