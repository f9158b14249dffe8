// What the pipeline measured, in words: names, units, and whether a figure is as good as it should be.
// The limits are those the pipeline is held to (docs/measurements.md); they are said beside the figure.

import { figure, fixed, plural } from "../../core/format";

export type Open = Record<string, unknown>;
export type Verdict = "good" | "warn" | "bad";
export interface Fact {
  name: string;
  value: string;
  verdict?: Verdict;
  /** What the figure means, or why it is good or bad. */
  words?: string;
}
export interface IdentifiedLine {
  column: number;
  column_error: number;
  wavelength: number;
  ion: string;
  residual: number;
  used: boolean;
}
export interface Solution {
  coefficients: number[];
  domain: [number, number];
  span: [number, number];
  lines: IdentifiedLine[];
  rms: number | null;
  rms_fit: number | null;
  lamps: string[];
  method: string;
  template: string;
  score: number | null;
  zero_point: number;
}
export interface ZeroPoint {
  shift: number | null;
  error: number | null;
  shift_pixels: number | null;
  error_pixels: number | null;
  significance: number;
  method: string;
  verified: boolean;
  applied: boolean;
  reason: string;
  width_pixels: number | null;
  features: string[];
  stretches: { first: number; last: number; shift: number; error: number }[];
}

const number = (value: unknown): number | null => (typeof value === "number" && Number.isFinite(value) ? value : null);
const text = (value: unknown): string => (typeof value === "string" ? value : "");
export const texts = (value: unknown): string[] => (Array.isArray(value) ? value.filter((one) => typeof one === "string") : []);

function series(solution: Solution, column: number, derivative: boolean): number {
  const [low, high] = solution.domain;
  const t = (2 * column - low - high) / (high - low);
  let [before, here, slopeBefore, slopeHere] = [1, t, 0, 1];
  let [value, slope] = [solution.coefficients[0] ?? 0, 0];
  for (let k = 1; k < solution.coefficients.length; k++) {
    const c = solution.coefficients[k] as number;
    value += c * here;
    slope += c * slopeHere;
    [before, here, slopeBefore, slopeHere] = [here, 2 * t * here - before, slopeHere, 2 * here + 2 * t * slopeHere - slopeBefore];
  }
  return derivative ? (slope * 2) / (high - low) : value + solution.zero_point;
}

/** Air wavelength at an unbinned detector column. */
export const wavelengthAt = (solution: Solution, column: number): number => series(solution, column, false);
/** Ångström a pixel of the detector there. */
export const dispersionAt = (solution: Solution, column: number): number => series(solution, column, true);

export const middleOf = (solution: Solution): number => (solution.span[0] + solution.span[1]) / 2;

/** Pixels of the frame where its binning is known, of the detector where it is not (a lamp by itself). */
export const pixelOf = (d: Open): string => (number(d.wavelength_rms_pixels) === null ? "detector px" : "px");

/** Detector pixels that a pixel of the frame has along the dispersion, as the two forms of the rms tell. */
export function binningOf(solution: Solution, d: Open): number {
  const [rms, pixels] = [number(d.wavelength_rms), number(d.wavelength_rms_pixels)];
  const binned = rms && pixels ? Math.round(rms / pixels / Math.abs(dispersionAt(solution, middleOf(solution)))) : 1;
  return Math.max(1, binned);
}

function judged(value: number | null, good: number, poor: number, unit: string, high = "more than it should be"): Pick<Fact, "verdict" | "words"> {
  if (value === null) return {};
  if (value <= good) return { verdict: "good", words: `good: at most ${good} ${unit}`.trim() };
  return { verdict: value <= poor ? "warn" : "bad", words: `${high}: it should be at most ${good} ${unit}`.trim() };
}

const fact = (name: string, value: unknown, unit = "", more: Partial<Fact> = {}, digits = 3): Fact[] =>
  number(value) === null ? [] : [{ name, value: `${figure(value, digits)}${unit && ` ${unit}`}`, ...more }];

export function wavelengthFacts(d: Open): Fact[] {
  const solution = d.solution as Solution | null | undefined;
  if (!solution) return [];
  const middle = middleOf(solution);
  const dispersion = Math.abs(dispersionAt(solution, middle));
  const binning = binningOf(solution, d);
  const rms = number(solution.rms);
  const pixels = rms === null ? null : rms / dispersion / binning;
  const unit = pixelOf(d);
  const used = solution.lines.filter((line) => line.used).length;
  const [from, to] = solution.span.map((column) => wavelengthAt(solution, column)) as [number, number];
  const facts: Fact[] = [
    {
      name: "Residual of held-out lines, rms",
      value: `${fixed(rms, 3)} Å = ${fixed(pixels, 3)} ${unit}`,
      ...judged(pixels, 0.1, 0.3, unit),
    },
    {
      name: "Residual of the lines in the fit, rms",
      value: `${fixed(solution.rms_fit, 3)} Å`,
      words: "flatters, since the fit has seen these lines: for comparison only",
    },
    {
      name: "Lines",
      value: `${used} in the fit of ${solution.lines.length} identified`,
      ...(used < 10 ? { verdict: "warn" as const, words: "few: the shape is mostly that of the grating equation" } : { verdict: "good" as const, words: "enough to hold the shape" }),
    },
    { name: "Held by lines", value: `${fixed(Math.min(from, to), 1)} to ${fixed(Math.max(from, to), 1)} Å (air)`, words: "outside, the solution is extrapolated" },
    { name: "Dispersion in the middle", value: `${figure(dispersion * binning, 4)} Å a ${pixelOf(d) === "px" ? "pixel" : "detector pixel"}`, ...(binning > 1 ? { words: `of the frame (${binning} detector pixels)` } : {}) },
    { name: "Lamps recognised", value: solution.lamps.join(", ") || "none" },
    {
      name: "First guess",
      value: solution.method === "library" ? `library lamp ${solution.template}` : solution.method,
    },
    ...fact("Significance of the match", solution.score, "σ"),
  ];
  return facts;
}

/** Which arcs the wavelengths are from, when they were taken, and the drift between them. */
export function arcFacts(d: Open): Fact[] {
  const arcs = d.arcs as Open | undefined;
  if (!arcs) return [];
  const names = texts(arcs.names);
  const minutes = Array.isArray(arcs.minutes) ? (arcs.minutes as unknown[]) : [];
  const used = Array.isArray(arcs.used) ? (arcs.used as unknown[]) : [];
  const facts: Fact[] = names.map((name, i) => {
    const apart = number(minutes[i]);
    const when = apart === null ? "" : `, ${fixed(Math.abs(apart), 1)} min ${apart > 0 ? "after" : "before"} the frame`;
    return used[i]
      ? { name: names.length > 1 ? `Arc ${i + 1}` : "Arc", value: `${name}${when}` }
      : { name: `Arc ${i + 1}`, value: `${name}${when}`, verdict: "warn", words: "looked at, but not used" };
  });
  const drift = number(arcs.drift_pixels);
  if (drift !== null) {
    facts.push({
      name: "Drift from the first arc to the second",
      value: `${signed(drift, 3)} ± ${fixed(arcs.drift_error_pixels, 3)} px`,
      words: "taken as linear in time",
    });
    facts.push(...fact("Error of interpolating the drift", arcs.interpolation_error_pixels, "px"));
  }
  return facts;
}

export function zeroFacts(d: Open): Fact[] {
  const zero = d.zero as ZeroPoint | undefined;
  if (!zero) return [];
  const facts: Fact[] = [
    zero.verified
      ? {
          name: "Zero point on the frame's own sky",
          value: `${signed(zero.shift, 3)} ± ${fixed(zero.error, 3)} Å (${signed(zero.shift_pixels, 2)} ± ${fixed(zero.error_pixels, 2)} detector px)`,
          verdict: "good",
          words: zero.applied ? "measured, significant, and corrected" : "measured; not significant, so nothing is changed",
        }
      : {
          name: "Zero point on the frame's own sky",
          value: "not verified",
          verdict: "warn",
          words: "the shape of the scale is known, a shift of the whole is not",
        },
  ];
  if (zero.verified) facts.push({ name: "Measured on", value: zero.features.length ? `${zero.method}: ${zero.features.join(", ")}` : zero.method });
  facts.push(...fact("Lead over the next best shift", zero.significance, "σ"));
  facts.push(...fact("Width of the slit's image in the sky's lines", zero.width_pixels, "detector px"));
  return facts;
}

export const signed = (value: unknown, decimals: number): string =>
  number(value) === null ? "–" : `${(value as number) < 0 ? "−" : "+"}${Math.abs(value as number).toFixed(decimals)}`;

export function extractionFacts(d: Open): Fact[] {
  const e = (d.extraction ?? {}) as Open;
  const ratio = number(d.signal_to_noise);
  const trace = number(d.trace_rms_pixels);
  const limit = ratio !== null && ratio < 5 ? 0.3 : 0.1;
  const targets = number(d.targets);
  const flagged = number(e.flagged_columns);
  return [
    ...fact("Signal-to-noise ratio, median of the columns", ratio, "", ratio !== null && ratio < 3 ? { verdict: "warn", words: "faint: the noise dominates single columns" } : {}),
    ...(targets === null ? [] : [{ name: "Targets on the frame", value: `${number(e.target) === null ? "" : `this is ${e.target} of `}${targets}` }]),
    ...fact("Found along the slit with", e.detection, "σ"),
    ...(number(d.fwhm_arcsec) === null ? [] : [{ name: "Spatial FWHM (seeing)", value: `${figure(d.fwhm_arcsec)}″ = ${figure(d.fwhm_pixels)} px` }]),
    ...fact("Trace, rms of the centroids about it", trace, "px", judged(trace, limit, 3 * limit, "px")),
    ...fact("Trace, error of its place", e.trace_error_rows, "detector px"),
    ...fact("Wing of the profile, Moffat β", e.moffat_beta),
    ...fact("Sky residual, scatter over the expected noise", e.sky_chi, "", judged(number(e.sky_chi), 1.1, 1.5, "")),
    ...fact("Sky level", e.sky_level, "e⁻ a pixel"),
    ...fact("Tilt of the sky's lines across the slit", e.tilt_columns, "px"),
    ...fact("Rows the sky was fitted on", e.sky_rows),
    ...(flagged === null ? [] : [{ name: "Columns with a flagged pixel", value: String(flagged) }]),
  ];
}

const FLAGS: Record<string, string> = {
  no_overscan: "No overscan: the level of the bias is not the frame's own.",
  no_bias: "No master bias was there.",
  bias_ignored: "The settings say that no bias is to be used.",
  no_flat: "Not flat-fielded: there was no master flat.",
  flat_ignored: "The settings say that no flat is to be used.",
  slit_not_found: "The ends of the slit were not found: all rows are kept.",
};

/** What was left out of a reduction, in sentences. Arcs are never flat-fielded: that is not worth a word. */
export function flagSentences(d: Open, obstype: string | null): string[] {
  const skip = obstype === "ARC" ? ["no_flat"] : [];
  return texts(d.flags).filter((flag) => !skip.includes(flag)).map((flag) => FLAGS[flag] ?? flag);
}

const MASK: Record<string, string> = { bad: "bad", saturated: "saturated", cosmic_ray: "cosmic ray", no_flat: "without flat", outside_slit: "outside the slit" };

export function reductionFacts(d: Open): Fact[] {
  const saturated = number(d.saturated_percent);
  const covered = number(d.flat_covered);
  const rays = number(d.cosmic_ray_pixels);
  const mask = (d.mask ?? {}) as Record<string, number>;
  const masked = Object.entries(mask).filter(([, count]) => count > 0).map(([name, count]) => `${MASK[name] ?? name} ${count.toLocaleString("en")}`);
  return [
    ...fact("Bias level", d.bias_level_adu, "ADU", {}, 4),
    ...fact("Read noise, measured", d.read_noise_e, "e⁻"),
    ...(saturated === null ? [] : [{
      name: "Saturated",
      value: `${figure(saturated)} % = ${plural(number(d.saturated_pixels) ?? 0, "pixel")}`,
      ...(saturated >= 1 ? { verdict: "bad" as const, words: "a lot: check the peaks" } : saturated > 0 ? { verdict: "warn" as const, words: "they are masked, and marked in the picture" } : { verdict: "good" as const, words: "none" }),
    }]),
    ...(d.slit_found === undefined ? [] : [{
      name: "Ends of the slit",
      value: d.slit_found ? `found; ${plural(number(d.slit_rows_cut) ?? 0, "row")} cut off` : "not found",
    }]),
    ...(covered === null ? [] : [{
      name: "Pixels that have a flat",
      value: `${figure(100 * covered, 4)} %`,
      ...(covered < 0.98 ? { verdict: "warn" as const, words: "the others are not flat-fielded" } : { verdict: "good" as const }),
    }]),
    ...(rays === null ? [] : [{ name: "Cosmic rays", value: `${plural(rays, "pixel")} flagged` }]),
    ...(masked.length ? [{ name: "Masked pixels", value: masked.join(", ") }] : []),
    ...fact("Median of the frame", d.median_e, "e⁻ a pixel"),
  ];
}

export function masterFacts(d: Open): Fact[] {
  const left = Object.keys((d.left_out ?? {}) as Open).length;
  const noise = number(d.read_noise_e);
  const header = number(d.read_noise_header_e);
  const off = noise !== null && header ? noise / header : null;
  const clipped = number(d.clipped_fraction);
  return [
    ...(number(d.members) === null ? [] : [{
      name: "Made of",
      value: `${plural(d.members as number, "frame")}${left ? `; ${left} left out` : ""}`,
      ...(left ? { verdict: "warn" as const, words: "see below why" } : {}),
    }]),
    ...fact("Bias level", d.level_adu, "ADU", d.level_measured === false ? { words: "not measured on dark columns" } : {}, 5),
    ...fact("Range of the members' levels", d.level_range_adu, "ADU"),
    ...(noise === null ? [] : [{
      name: "Read noise",
      value: `${figure(noise)} e⁻${header === null ? "" : `; the header says ${figure(header)} e⁻`}`,
      ...(off === null ? {} : off > 1.3 ? { verdict: "warn" as const, words: "more than the header says" } : { verdict: "good" as const, words: "as the header says" }),
    }]),
    ...fact("Signal", d.signal_e, "e⁻ a pixel", {}, 4),
    ...fact("Range of the lamp's brightness", d.lamp_range_percent, "%"),
    ...fact("Saturated, the worst member", d.saturated_percent, "% of the pixels", (number(d.saturated_percent) ?? 0) > 0 ? { verdict: "warn" } : { verdict: "good" }),
    ...(d.bias_subtracted === undefined ? [] : [{ name: "Bias subtracted", value: d.bias_subtracted ? "yes" : "no", ...(d.bias_subtracted ? {} : { verdict: "warn" as const }) }]),
    ...(clipped === null ? [] : [{ name: "Values clipped", value: `${figure(100 * clipped)} %` }]),
    ...fact("Bad pixels", d.bad_pixels),
  ];
}

/** Members left out of a master, with the reason. */
export const leftOut = (d: Open): [string, string][] =>
  Object.entries((d.left_out ?? {}) as Open).map(([name, reason]) => [name, text(reason)]);

const KNOWN = new Set((
  "solution zero arcs lamps extraction overlay profile flags mask left_out rejected signal_to_noise targets fwhm_arcsec fwhm_pixels fwhm " +
  "trace_rms_pixels bias_level_adu read_noise_e read_noise_header_e saturated_percent saturated_pixels saturated_percent_members slit_found slit_rows_cut " +
  "flat_covered cosmic_ray_pixels median_e members level_adu level_range_adu level_measured signal_e lamp_range_percent bias_subtracted " +
  "clipped_fraction bad_pixels"
).split(" "));

/** Figures that have no name here: shown as they are called, so that nothing measured is hidden. */
export const otherFacts = (d: Open): Fact[] =>
  Object.entries(d)
    .filter(([name, value]) => !KNOWN.has(name) && !/^(wavelength|zero_point)_?/.test(name) && ["number", "string", "boolean"].includes(typeof value))
    .map(([name, value]) => ({ name: name.replaceAll("_", " "), value: typeof value === "number" ? figure(value) : String(value) }));
