// The plots of the quality panel: lamp with its lines, residuals, zero point, trace, profile and sky.

import { useState } from "preact/hooks";
import type { Overlay } from "../../api/types";
import { figure, fixed } from "../../core/format";
import { Chart, Figure, type Band, type Rule, type Series } from "../../parts/chart";
import { Choice } from "../../parts/controls";
import type { SpectrumPreview } from "../../viewers/container";
import { binningOf, dispersionAt, middleOf, pixelOf, signed, wavelengthAt, type IdentifiedLine, type Open, type Solution, type ZeroPoint } from "./quality-facts";

const by = (lines: IdentifiedLine[], used: boolean) => lines.filter((line) => line.used === used);
const lineName = (line: IdentifiedLine) => `${line.ion} ${line.wavelength.toFixed(2)} Å`;

/** The lamp along the target's trace, and where its lines were identified. */
export function LampPlot({ name, lamp, solution }: { name: string; lamp: SpectrumPreview; solution: Solution }) {
  const waves = lamp.wavelength;
  if (!waves) return null;
  let top = 0;
  for (const value of lamp.flux) if (value > top) top = value;
  const height = (wave: number): number => {
    let at = 0;
    for (let i = 1; i < waves.length; i++) if (Math.abs((waves[i] as number) - wave) < Math.abs((waves[at] as number) - wave)) at = i;
    let best = 0;
    for (let i = Math.max(0, at - 2); i <= Math.min(waves.length - 1, at + 2); i++) best = Math.max(best, lamp.flux[i] ?? 0);
    return best;
  };
  const marks = (used: boolean): Series => {
    const lines = by(solution.lines, used);
    return {
      kind: "points", shape: used ? "disc" : "cross", tone: used ? "second" : "faint", label: used ? "Line in the fit" : "Identified, left out of the fit",
      x: lines.map((line) => line.wavelength), y: lines.map((line) => height(line.wavelength)), told: (i) => lineName(lines[i] as IdentifiedLine),
    };
  };
  return (
    <Figure
      title={`Lamp ${name}`}
      summary={`${by(solution.lines, true).length} lines are in the fit, ${by(solution.lines, false).length} more were identified and left out. Faint lines are lifted: the intensity is drawn as its square root. Strongest: ${figure(top)} e⁻.`}
      table={() => ({
        head: ["Line", "Wavelength, Å", "Detector column", "Intensity, e⁻", "In the fit"],
        numbers: [1, 2, 3],
        rows: solution.lines.map((line) => [line.ion, fixed(line.wavelength, 3), fixed(line.column, 2), figure(height(line.wavelength)), line.used ? "yes" : "no"]),
      })}
    >
      <Chart
        label={`Spectrum of the lamp ${name} with ${solution.lines.length} identified lines`}
        x={{ label: "Wavelength in air, Å" }}
        y={{ label: "e⁻ a column (√)", low: 0, high: top * 1.08, root: true }}
        series={[{ kind: "line", tone: "main", x: waves, y: lamp.flux }, marks(false), marks(true)]}
        height={260}
      />
    </Figure>
  );
}

/** By how much the lines miss the solution. */
export function ResidualPlot({ solution, details }: { solution: Solution; details: Open }) {
  const [unit, setUnit] = useState<"Å" | "px">("Å");
  const binning = binningOf(solution, details);
  const pixels = (line: IdentifiedLine) => line.residual / Math.abs(dispersionAt(solution, line.column)) / binning;
  const value = unit === "Å" ? (line: IdentifiedLine) => line.residual : pixels;
  const step = Math.abs(dispersionAt(solution, middleOf(solution))) * binning;
  const rms = (solution.rms ?? 0) / (unit === "Å" ? 1 : step);
  const used = by(solution.lines, true);
  // What was left out may lie far off; the plot is for those in the fit, with room around them.
  const reach = Math.max(rms * 4, ...used.map((line) => Math.abs(value(line)))) * 1.25 || 1;
  const beyond = solution.lines.filter((line) => Math.abs(value(line)) > reach).length;
  const points = (inFit: boolean): Series => {
    const lines = by(solution.lines, inFit);
    return {
      kind: "points", shape: inFit ? "disc" : "cross", tone: inFit ? "main" : "faint", label: inFit ? "Line in the fit" : "Left out of the fit",
      x: lines.map((line) => line.wavelength), y: lines.map(value),
      told: (i) => `${lineName(lines[i] as IdentifiedLine)}: ${signed(value(lines[i] as IdentifiedLine), 3)} ${unit}`,
    };
  };
  return (
    <Figure
      title="Residuals of the wavelength solution"
      summary={`Measured minus laboratory wavelength. Lines held out of the fit miss it by ${fixed(solution.rms, 3)} Å = ${fixed((solution.rms ?? NaN) / step, 3)} ${pixelOf(details)} rms.${beyond ? ` ${beyond} of the lines left out lie outside the plot; the table has them.` : ""}`}
      table={() => ({
        head: ["Line", "Wavelength, Å", "Detector column", "Residual, Å", `Residual, ${pixelOf(details)}`, "Error of the centroid, detector px", "In the fit"],
        numbers: [1, 2, 3, 4, 5],
        rows: solution.lines.map((line) => [
          line.ion, fixed(line.wavelength, 3), fixed(line.column, 3), signed(line.residual, 4), signed(pixels(line), 4), fixed(line.column_error, 3), line.used ? "yes" : "no",
        ]),
      })}
    >
      <Choice label="Residuals in" value={unit} change={setUnit} inline options={[["Å", "Å"], ["px", pixelOf(details) === "px" ? "pixels of the frame" : "detector pixels"]]} />
      <Chart
        label={`Residuals of ${solution.lines.length} lamp lines in ${unit} against wavelength`}
        x={{ label: "Wavelength in air, Å" }}
        y={{ label: `Residual, ${unit === "Å" ? unit : pixelOf(details)}`, low: -reach, high: reach }}
        series={[points(false), points(true)]}
        bands={[{ axis: "y", low: -rms, high: rms, tone: "main", label: "± rms of held-out lines" }]}
        rules={[{ axis: "y", at: 0, tone: "faint" }]}
      />
    </Figure>
  );
}

/** The shift that separate stretches of the sky ask for. */
export function ZeroPlot({ zero, solution }: { zero: ZeroPoint; solution: Solution }) {
  if (zero.stretches.length < 2) return null;
  const middle = (one: ZeroPoint["stretches"][number]) => wavelengthAt(solution, (one.first + one.last) / 2);
  const rules: Rule[] = [{ axis: "y", at: 0, tone: "faint" }];
  if (zero.shift_pixels !== null) rules.push({ axis: "y", at: zero.shift_pixels, tone: "second", dashed: true, label: "Shift of the whole spectrum" });
  return (
    <Figure
      title="Zero point on the sky, stretch by stretch"
      summary={`${zero.stretches.length} stretches of the sky's spectrum, each by itself; they should agree within their errors.`}
      table={() => ({
        head: ["From, Å", "To, Å", "Shift, detector px", "Error, detector px"],
        numbers: [0, 1, 2, 3],
        rows: zero.stretches.map((one) => [fixed(wavelengthAt(solution, one.first), 0), fixed(wavelengthAt(solution, one.last), 0), signed(one.shift, 3), fixed(one.error, 3)]),
      })}
    >
      <Chart
        label={`Zero-point shift in ${zero.stretches.length} stretches of the spectrum`}
        x={{ label: "Wavelength in air, Å" }}
        y={{ label: "Shift, detector px" }}
        series={[
          { kind: "points", shape: "diamond", tone: "main", label: "Stretch, with its error", x: zero.stretches.map(middle), y: zero.stretches.map((one) => one.shift), errors: zero.stretches.map((one) => one.error) },
          // not drawn: they make room for the error bars
          { kind: "points", tone: "faint", x: [], y: zero.stretches.flatMap((one) => [one.shift - one.error, one.shift + one.error]) },
        ]}
        rules={rules}
        height={200}
      />
    </Figure>
  );
}

export interface Traced {
  name: string;
  overlay: Overlay;
}

const row = (overlay: Overlay, share: number): number => overlay.trace[Math.round((overlay.trace.length - 1) * share)] ?? NaN;
const TONES = ["main", "second", "third"] as const;

/** Where the targets run over the frame. */
export function TracePlot({ traced }: { traced: Traced[] }) {
  const first = traced[0];
  if (!first) return null;
  const one = traced.length === 1;
  const edge = (overlay: Overlay, by: number) => overlay.trace.map((at) => at + by);
  const said = traced.map(({ name, overlay }) => `${name}: from row ${fixed(row(overlay, 0), 1)} to ${fixed(row(overlay, 1), 1)}`);
  const series: Series[] = traced.map(({ name, overlay }, i) => ({
    kind: "line", tone: TONES[i % 3] ?? "main", label: name, x: overlay.trace_columns, y: overlay.trace,
  }));
  if (one) {
    for (const by of first.overlay.target) {
      series.push({ kind: "line", tone: "target", label: "Edges of the aperture", x: first.overlay.trace_columns, y: edge(first.overlay, by) });
    }
  }
  return (
    <Figure
      title={one ? "Trace" : "Traces"}
      summary={`${said.join("; ")}, over ${first.overlay.trace_columns.at(-1) ?? 0} columns.`}
      table={() => ({
        head: ["Column", ...traced.map(({ name }) => `${name}, row`)],
        numbers: [0, ...traced.map((_, i) => i + 1)],
        rows: first.overlay.trace_columns.map((column, i) => [column, ...traced.map(({ overlay }) => fixed(overlay.trace[i], 2))]),
      })}
    >
      <Chart label={`Row of the ${one ? "trace" : "traces"} against column`} x={{ label: "Column of the frame" }} y={{ label: "Row of the frame" }} series={series} height={200} />
    </Figure>
  );
}

/** Rows of a zone where the profile was straightened: at the middle column. */
export function zoneRows(overlay: Overlay, zone: [number, number]): [number, number] {
  const middle = row(overlay, 0.5);
  return [middle + zone[0], middle + zone[1]];
}

/** Light along the slit, the aperture and the sky zones; and, magnified, what is left of the sky. */
export function ProfilePlot({ profile, overlay }: { profile: number[]; overlay: Overlay }) {
  const rows = profile.map((_, i) => i);
  const target = zoneRows(overlay, overlay.target);
  const zones = overlay.sky.map((zone) => zoneRows(overlay, zone));
  const bands: Band[] = [
    ...zones.map(([low, high]): Band => ({ axis: "x", low, high, tone: "zone", label: "Sky zone" })),
    { axis: "x", low: target[0], high: target[1], tone: "target", label: "Aperture" },
  ];
  const peak = Math.max(...profile.slice(Math.max(0, Math.floor(target[0])), Math.ceil(target[1]) + 1), 0);
  const left = profile.filter((_, i) => zones.some(([low, high]) => i >= low && i <= high));
  const mean = left.reduce((sum, value) => sum + value, 0) / (left.length || 1);
  const scatter = Math.sqrt(left.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (left.length || 1));
  const ends = [...zones.flat(), ...target];
  const [low, high] = [Math.max(0, Math.min(...ends) - 15), Math.min(profile.length - 1, Math.max(...ends) + 15)];
  const table = (from: number, to: number) => () => ({
    head: ["Row", "e⁻ a pixel", "Zone"],
    numbers: [0, 1],
    rows: rows.slice(Math.ceil(from), Math.floor(to) + 1).map((at) => [
      at, figure(profile[at]), at >= target[0] && at <= target[1] ? "aperture" : zones.some(([a, b]) => at >= a && at <= b) ? "sky" : "",
    ]),
  });
  const zone = (ends: [number, number]) => `${fixed(ends[0], 1)} to ${fixed(ends[1], 1)}`;
  return (
    <>
      <Figure
        title="Spatial profile"
        summary={`Mean light along the slit, sky taken off. Aperture: rows ${zone(target)}; sky: ${zones.length ? zones.map(zone).join(" and ") : "none"}. Peak in the aperture: ${figure(peak)} e⁻ a pixel.`}
        table={table(0, profile.length - 1)}
      >
        <Chart label="Light along the slit with aperture and sky zones" x={{ label: "Row of the frame" }} y={{ label: "e⁻ a pixel" }}
          series={[{ kind: "line", tone: "main", label: "Light", x: rows, y: profile }]} bands={bands} />
      </Figure>
      {left.length > 1 && (
        <Figure
          title="Sky residual along the slit"
          summary={`In the sky zones the mean is ${signed(mean, 2)} and the scatter ${figure(scatter)} e⁻ a pixel; the mean should be near 0.`}
          table={table(low, high)}
        >
          <Chart label="The profile near the target, magnified so that the rest of the sky is seen" x={{ label: "Row of the frame", low, high }}
            y={{ label: "e⁻ a pixel", low: mean - 8 * scatter, high: mean + 12 * scatter }} height={200}
            series={[{ kind: "line", tone: "main", label: "Light", x: rows, y: profile }]} bands={bands} rules={[{ axis: "y", at: 0, tone: "faint" }]} />
        </Figure>
      )}
    </>
  );
}
