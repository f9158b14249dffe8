// Controls that are fetched when they are wanted: axes and extraction, line lists and their redshift.

import { useEffect, useState } from "preact/hooks";
import { Button, Choice, Field, Switch, TextField } from "../../parts/controls";
import type { ControlProps } from "./controls";
import { LISTS } from "./lines";
import type { Scene } from "./scene";

/** Reason why wavelengths have no part in this, or null. */
export const uncalibrated = ({ waves }: Scene): string | null =>
  waves ? null : "This spectrum has no wavelength calibration yet: its axis is the column.";

function Two<T extends string>(props: { label: string; value: T; options: readonly (readonly [T, string, (string | null)?])[]; change: (value: T) => void }) {
  const { label, value, options, change } = props;
  return (
    <div class="spectrum-two" role="group" aria-label={label}>
      <span aria-hidden="true">{label}</span>
      {options.map(([name, text, reason]) => (
        <Button key={name} aria-pressed={value === name} reason={reason} onClick={() => change(name)}>{text}</Button>
      ))}
    </div>
  );
}

export function AxisControls({ record, scene, settings, change }: ControlProps) {
  const { preview } = scene;
  const fluxed = record.data_type === "5";
  const noWaves = uncalibrated(scene);
  const same = preview.flux.every((one, i) => Object.is(one, preview.fluxBox[i]));
  return (
    <div class="spectrum-grid">
      <Two label="Extraction" value={settings.flux} change={(flux) => change({ flux })} options={[
        ["optimal", same ? "Aperture sum" : "Optimal"],
        ["box", "Box", same ? "This product was extracted as the sum over the aperture: both are the same." : null],
      ]} />
      <Two label="Unit" value={fluxed ? "flux" : "counts"} change={() => undefined} options={[
        ["counts", "Counts", fluxed ? "This product is flux calibrated. The counts are in the wavelength calibrated product it was made from." : null],
        ["flux", "Flux", fluxed ? null : "Not flux calibrated: only counts (electrons) are known of this spectrum."],
      ]} />
      <Two label="Wavelengths in" value={settings.medium} change={(medium) => change({ medium })} options={[["air", "Air", noWaves], ["vacuum", "Vacuum", noWaves]]} />
      <Two label="x axis" value={noWaves ? "column" : settings.axis} change={(axis) => change({ axis })}
        options={[["wavelength", "Wavelength", noWaves], ["column", "Column"]]} />
      <FluxAxis settings={settings} change={change} />
    </div>
  );
}

const LIMITS = [["auto", "0.5–99.5 %"], ["all", "Everything"], ["typed", "Typed"]] as const;

function FluxAxis({ settings, change }: Pick<ControlProps, "settings" | "change">) {
  const typed = Array.isArray(settings.y) ? settings.y : null;
  const [texts, setTexts] = useState<[string, string] | null>(null);
  useEffect(() => {
    if (!typed) setTexts(null);
  }, [typed === null]);
  const shown = texts ?? (typed ? [String(typed[0]), String(typed[1])] : ["", ""]);
  const open = typed !== null || texts !== null;
  const [low, high] = shown.map((text) => (text.trim() === "" ? NaN : Number(text))) as [number, number];
  const error = !open || (texts && !shown[0] && !shown[1]) ? undefined
    : !(low < high) ? "Two numbers, the lower one first."
    : settings.log && low <= 0 ? "A logarithmic axis begins above zero: percentiles are used." : undefined;
  const type = (at: 0 | 1, text: string) => {
    const next: [string, string] = at === 0 ? [text, shown[1] ?? ""] : [shown[0] ?? "", text];
    setTexts(next);
    const [from, to] = next.map((one) => (one.trim() === "" ? NaN : Number(one))) as [number, number];
    if (from < to) change({ y: [from, to] });
  };
  return (
    <div class="spectrum-flux-axis">
      <Choice label="Flux axis" inline value={open ? "typed" : (settings.y as "auto" | "all")} options={LIMITS}
        change={(name) => {
          if (name === "typed") setTexts(["", ""]);
          else {
            setTexts(null);
            change({ y: name });
          }
        }} />
      {open && (
        <>
          <TextField label="From" inline value={shown[0] ?? ""} change={(text) => type(0, text)} error={error} />
          <TextField label="To" inline value={shown[1] ?? ""} change={(text) => type(1, text)} />
        </>
      )}
      <Switch label="Logarithmic" on={settings.log} change={(log) => change({ log })} />
    </div>
  );
}

const LIGHT = 299_792.458;

/** Line lists and the redshift they are shown at. */
export function LineControls({ scene, settings, change }: ControlProps) {
  const [text, setText] = useState<string | null>(null);
  const reason = uncalibrated(scene);
  const [emptied, empty] = useState(false);
  const some = settings.lists.length > 0;
  useEffect(() => {
    if (some) empty(false);
  }, [some]);
  if (!some && !emptied) return null;
  if (reason) return <p class="note">{reason} Lines cannot be laid over it.</p>;
  const set = (list: string, on: boolean) => {
    const lists = on ? [...settings.lists, list] : settings.lists.filter((id) => id !== list);
    if (!lists.length) empty(true); // the box stays where somebody chooses in it
    change({ lists });
  };
  const type = (typed: string) => {
    setText(typed);
    const z = Number(typed);
    if (typed.trim() !== "" && Number.isFinite(z) && z > -1 && z < 20) change({ z });
  };
  const seen = scene.marks.length;
  return (
    <fieldset class="spectrum-lines">
      <legend>Lines</legend>
      <div class="spectrum-lists">
        {LISTS.map((list) => (
          <Switch key={list.id} label={list.name} on={settings.lists.includes(list.id)} change={(on) => set(list.id, on)} />
        ))}
      </div>
      <div class="spectrum-redshift">
        <Field label="Redshift z" inline>
          {(attributes) => (
            <input {...attributes} type="number" step="0.0001" min="-0.9" max="20" value={text ?? String(Number(settings.z.toFixed(5)))}
              onInput={(event) => type(event.currentTarget.value)} onBlur={() => setText(null)} />
          )}
        </Field>
        <input type="range" aria-label="Redshift z, by dragging" min="-0.01" max="1" step="0.0005" value={settings.z}
          aria-valuetext={`z = ${settings.z}`}
          onKeyDown={(event) => event.stopPropagation()} // the arrows are the slider's here
          onInput={(event) => {
            setText(null);
            change({ z: Number(event.currentTarget.value) });
          }} />
        <span class="soft">cz = {Math.round(settings.z * LIGHT).toLocaleString("en")} km/s</span>
        <Button kind="quiet" icon="undo" reason={settings.z ? null : "z is 0."} onClick={() => { setText(null); change({ z: 0 }); }}>z = 0</Button>
      </div>
      <p class="help">
        {!some ? "No list is chosen." : seen ? "A label in the plot can be dragged to where its line is seen. Telluric bands and night-sky lines stay where they are." : "None of these lines is in this spectrum at this redshift."}
      </p>
    </fieldset>
  );
}
