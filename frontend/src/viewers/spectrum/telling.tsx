// The spectrum in words and numbers: the read-out below the pointer, the legend, a summary.

import type { RefObject } from "preact";
import { useMemo } from "preact/hooks";
import type { FileRecord } from "../../api/types";
import { figure, fixed, plural } from "../../core/format";
import type { Link } from "../link";
import { DASHES } from "./paint";
import { maskCount, maskWords, median } from "./numbers";
import { type Drawn, lineAt } from "./plot";
import { ends, indexOf, type Scene, skyLimits, unitOf, waveOf } from "./scene";

/** What is below the pointer, always at the same place. It changes too often to be announced. */
export function ReadOut({ scene, link, drawn }: { scene: Scene; link: Link; drawn: RefObject<Drawn | null> }) {
  const cursor = link.cursor.value;
  const at = cursor ? indexOf(scene, cursor.column) : -1;
  return (
    <p class="spectrum-readout" role="status" aria-live="off" aria-label="Values at the pointer">
      {!cursor ? <span>Point at the plot to read values; <kbd>,</kbd> and <kbd>.</kbd> move the line</span> : at < 0 || at >= scene.preview.length
        ? `Column ${Math.round(cursor.column)}: outside the spectrum`
        : <Values scene={scene} at={at} lines={drawn.current ? lineAt(drawn.current, cursor.column) : ""} />}
    </p>
  );
}

function Values({ scene, at, lines }: { scene: Scene; at: number; lines: string }) {
  const { flux, error, preview, waves, settings } = scene;
  const unit = unitOf(scene);
  const bits = preview.mask[at] ?? 0;
  return (
    <>
      {waves && <b>{fixed(waves[at], 2)} Å</b>} <span>column {scene.columns[at]}</span>{" "}
      <b>{figure(flux[at], 4)} ± {figure(error[at], 2)} {unit}</b>{" "}
      <span>S/N {figure((flux[at] as number) / (error[at] as number), 3)}</span> <span>sky {figure(preview.sky[at], 3)} {unit}</span>
      {settings.smooth > 1 && <span>smoothed, {settings.smooth} px</span>}
      {bits ? <b>masked: {maskWords(bits)}</b> : null}
      {lines && <span>near {lines}</span>}
    </>
  );
}

function Sample({ name, dash, width = 1.5 }: { name: string; dash?: number[] | undefined; width?: number }) {
  return (
    <svg class="spectrum-sample" viewBox="0 0 34 10" aria-hidden="true">
      <path d="M0 5h34" style={{ stroke: `var(--${name})` }} stroke-width={width} stroke-dasharray={dash?.join(" ")} />
    </svg>
  );
}

export function Legend({ scene, link }: { scene: Scene; link: Link }) {
  const { settings, preview } = scene;
  const [first, last] = ends(scene);
  const range = link.range.value ?? { low: first, high: last };
  const [low, high] = settings.sky === "own" ? skyLimits(scene, range.low, range.high) : [0, 0];
  const masked = preview.mask.some((one) => one);
  return (
    <ul class="spectrum-legend" aria-label="Legend">
      <li><Sample name="flux" /> {settings.flux === "box" ? "Flux, box" : "Flux"}{settings.smooth > 1 && <b> smoothed over {settings.smooth} pixels, for display only</b>}</li>
      {settings.band && <li><Sample name="band" width={8} /> ±1σ</li>}
      {settings.sky !== "off" && (
        <li><Sample name="sky" dash={[1.5, 1.5]} /> Sky, {settings.sky === "same" ? "on the same scale" : `on its own scale: ${figure(low, 2)} to ${figure(high, 3)} ${unitOf(scene)}`}</li>
      )}
      {masked && <li title="× cosmic ray, △ saturated, □ other; bars at the bottom"><svg class="spectrum-sample" viewBox="0 0 34 10" aria-hidden="true"><path d="M1 1l7 8M8 1l-7 8M17 1l4.500 8h-9zM26 1.500h7v7h-7z" style={{ stroke: "var(--plot-axis)" }} stroke-width="1.3" fill="none" /></svg>
        Masked<span class="hidden">: × cosmic ray, △ saturated, □ other; bars at the bottom</span></li>}
      {scene.overlays.map((one, at) => (
        <li key={one.name}><Sample name={`overlay-${at + 1}`} dash={DASHES[at]} /> {one.name}{one.factor !== 1 && ` × ${figure(one.factor, 3)}`}</li>
      ))}
      {!scene.flux.some(Number.isFinite) && <li><b>No column of this spectrum has a number: nothing can be drawn.</b></li>}
      {settings.log && scene.flux.some((one) => one <= 0) && <li class="soft">Values of zero and below are under the logarithmic axis.</li>}
    </ul>
  );
}

/** The plot in a few sentences. */
export function Summary({ id, record, scene, link }: { id: string; record: FileRecord; scene: Scene; link: Link }) {
  const { preview, measured, measuredError, waves, settings } = scene;
  const text = useMemo(() => {
    const good = (values: Float32Array) => values.filter((_, i) => !preview.mask[i]);
    const some = preview.mask.every((one) => one) ? (values: Float32Array) => values : good;
    const unit = preview.unit === "electron" ? "electrons per column" : preview.unit;
    const range = waves?.length ? `from ${fixed(Math.min(waves[0] as number, waves.at(-1) as number), 1)} to ${fixed(Math.max(waves[0] as number, waves.at(-1) as number), 1)} Å (${settings.medium})`
      : "without a wavelength calibration: its axis is the column";
    return `${plural(preview.length, "column")} ${range}. Median flux ${figure(median(some(measured)), 4)} ${unit}, median S/N ${figure(median(some(measured.map((one, i) => one / (measuredError[i] as number)))), 3)} per column. ${maskCount(preview.mask)}.`;
  }, [preview, measured, waves, settings.medium]);
  const rms = record.quality?.wavelength_rms;
  const view = link.range.value;
  return (
    <p id={id} class="spectrum-summary">
      {text}
      {waves && typeof rms === "number" && ` Wavelength rms ${figure(rms, 2)} Å.`}
      {view && ` In view: ${waves ? `${fixed(waveOf(scene, view.low), 1)} to ${fixed(waveOf(scene, view.high), 1)} Å` : `columns ${Math.round(view.low)} to ${Math.round(view.high)}`}.`}
    </p>
  );
}
