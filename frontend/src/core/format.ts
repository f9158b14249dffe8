// Numbers, names and times as the field writes them. Times are UT; the local one is on hover.

import type { FileRecord } from "../api/types";

const DATA_TYPES: Record<string, string> = {
  "0": "Observed raw",
  "1": "Master calibration",
  "2": "Reduced",
  "3": "Extracted",
  "4": "Wavelength calibrated",
  "5": "Flux calibrated",
};

export const dataType = (type: string | null): string => DATA_TYPES[type ?? ""] ?? "Unknown";

/** "2026-11-09" of 20261109. */
export function nightName(night: number | string | null | undefined): string {
  const text = String(night ?? "");
  return /^\d{8}$/.test(text) ? `${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6)}` : text;
}

/** "04:31:07" in UT of an ISO moment; with the date if it is not of the last day. */
export function clock(moment: string | null | undefined, now = Date.now()): string {
  const then = new Date(moment ?? "");
  if (Number.isNaN(then.getTime())) return "–";
  const iso = then.toISOString();
  return Math.abs(now - then.getTime()) < 86_400_000 ? iso.slice(11, 19) : `${iso.slice(0, 10)} ${iso.slice(11, 16)}`;
}

/** The same with "UT" behind it. */
export function universal(moment: string | null | undefined, now = Date.now()): string {
  const text = clock(moment, now);
  return text === "–" ? text : `${text} UT`;
}

/** "2026-11-09 04:31:07 UT". */
export function moment(text: string | null | undefined): string {
  const then = new Date(text ?? "");
  return Number.isNaN(then.getTime()) ? "–" : `${then.toISOString().slice(0, 19).replace("T", " ")} UT`;
}

export function localTime(text: string | null | undefined): string {
  const then = new Date(text ?? "");
  return Number.isNaN(then.getTime()) ? "" : `${then.toLocaleString()} local time`;
}

/** A number with so many significant digits, plain where that can be read; "–" if there is none. */
export function figure(value: unknown, digits = 3): string {
  if (typeof value !== "number" || !Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4) return value.toExponential(digits - 1).replace("e+", "e");
  return size >= 10 ** digits ? String(Math.round(value)) : String(Number(value.toPrecision(digits)));
}

/** A number with so many decimals. */
export function fixed(value: unknown, decimals: number): string {
  return typeof value === "number" && Number.isFinite(value) ? value.toFixed(decimals) : "–";
}

export const whole = (count: number | null | undefined): string =>
  count === null || count === undefined ? "–" : count.toLocaleString("en");

export function bytes(size: number | null | undefined): string {
  if (size === null || size === undefined) return "–";
  const units = ["B", "kB", "MB", "GB"];
  let unit = 0;
  let value = size;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toPrecision(3)} ${units[unit]}`;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${whole(count)} ${count === 1 ? one : many}`;
}

/** "SPECTRUM SN 2026abc / SOAR2026B-014", the title of a plot. */
export function title(record: FileRecord): string {
  return `${record.obstype ?? "FRAME"} ${record.object || "without a name"} / ${record.proposal_id || "no proposal"}`;
}
