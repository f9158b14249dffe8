// A spectrum as comma-separated values: what is shown, with all its digits.

export interface Columns {
  column: ArrayLike<number>;
  wavelength: ArrayLike<number> | null;
  medium: "air" | "vacuum";
  flux: Float32Array;
  error: Float32Array;
  sky: Float32Array;
  mask: Uint8Array;
  /** The display's boxcar mean, where one is shown. */
  smoothed: Float32Array | null;
}

/** The shortest text that brings a float32 back. */
export function single(value: number): string {
  if (!Number.isFinite(value)) return "nan";
  for (let digits = 6; digits < 9; digits++) {
    const text = value.toPrecision(digits);
    if (Math.fround(Number(text)) === value) return String(Number(text));
  }
  return String(Number(value.toPrecision(9)));
}

const double = (value: number | undefined): string => (value !== undefined && Number.isFinite(value) ? String(value) : "nan");

/** Rows `from` to `to` (not itself) with a head of comments. */
export function csv(about: readonly string[], given: Columns, from: number, to: number): string {
  const { column, wavelength, flux, error, sky, mask, smoothed } = given;
  const head = about.map((line) => `# ${line.replace(/[\r\n]+/g, " ")}`);
  const names = ["column", ...(wavelength ? [`wavelength_${given.medium}`] : []), "flux", "error", "sky", "mask", ...(smoothed ? ["flux_smoothed"] : [])];
  const rows: string[] = [];
  for (let i = Math.max(0, from); i < Math.min(flux.length, to); i++) {
    const row = [double(column[i])];
    if (wavelength) row.push(double(wavelength[i]));
    row.push(single(flux[i] as number), single(error[i] as number), single(sky[i] as number), String(mask[i]));
    if (smoothed) row.push(single(smoothed[i] as number));
    rows.push(row.join(","));
  }
  return [...head, names.join(","), ...rows, ""].join("\n");
}
