// The controls of an image: stretch, limits, colours, marks.

import { useEffect, useId, useRef, useState } from "preact/hooks";
import { figure, whole } from "../../core/format";
import { colour, shown } from "../../core/theme";
import { Choice, Switch } from "../../parts/controls";
import { MAPS, packed } from "./colours";
import { BAD, COSMIC, NO_FLAT, OUTSIDE, SATURATED, type Levels } from "./levels";
import { CELLS, sample } from "./marks";
import { choose, type Shown } from "./settings";
import { LIMITS, STRETCHES, type LimitMode, type Range, type Stretch } from "./stretch";
import { unitWord } from "./stage";

const STRETCH_WORDS: Record<Stretch, string> = { linear: "Linear", sqrt: "Square root", log: "Logarithm", asinh: "Asinh" };
const LIMIT_WORDS: Record<LimitMode, string> = {
  zscale: "zscale", "99.5": "99.5 %", "99": "99 %", "95": "95 %", minmax: "Min–max", typed: "Typed",
};
const MARKS: readonly (readonly [number, string])[] = [
  [SATURATED, "Saturated"],
  [COSMIC, "Cosmic rays"],
  [BAD, "Bad"],
  [NO_FLAT, "No flat"],
  [OUTSIDE, "Outside the slit"],
];

export function Controls({ settings, limits, levels }: { settings: Shown; limits: Range; levels: Levels }) {
  const night = shown.value === "night";
  return (
    <div class="image-controls">
      <Choice label="Stretch" inline value={settings.stretch} change={choose.stretch}
        options={STRETCHES.map((one) => [one, STRETCH_WORDS[one]] as const)} />
      <Choice label="Limits" inline value={settings.mode}
        change={(mode) => (mode === "typed" ? choose.typed(short(limits.low), short(limits.high)) : choose.limits(mode))}
        options={LIMITS.map((one) => [one, LIMIT_WORDS[one]] as const)} />
      <Typed limits={limits} unit={unitWord(levels.preview.unit)} />
      <Choice label="Colours" inline value={settings.map} change={choose.map}
        options={MAPS.map((one) => [one, night ? `${one}: red at night` : one] as const)} />
      <Switch label="Invert" on={settings.invert} change={choose.invert} />
      {levels.mask && <Marks settings={settings} levels={levels} />}
    </div>
  );
}

const short = (value: number): number => Number(value.toPrecision(4));

/** The limits as numbers, which can be typed over; taken when the field is left or Enter is pressed. */
function Typed({ limits, unit }: { limits: Range; unit: string }) {
  const [low, setLow] = useState("");
  const [high, setHigh] = useState("");
  const id = useId();
  useEffect(() => {
    setLow(String(short(limits.low)));
    setHigh(String(short(limits.high)));
  }, [limits.low, limits.high]);
  const [a, b] = [Number(low), Number(high)];
  const wrong = !(low.trim() && high.trim() && a < b);
  const take = () => {
    if (!wrong && (a !== short(limits.low) || b !== short(limits.high))) choose.typed(a, b);
  };
  const box = (label: string, value: string, change: (text: string) => void) => (
    <input type="text" inputMode="decimal" aria-label={label} value={value} aria-invalid={wrong || undefined}
      aria-describedby={wrong ? id : undefined} onInput={(event) => change(event.currentTarget.value)}
      onBlur={take} onKeyDown={(event) => event.key === "Enter" && take()} />
  );
  return (
    <span class="image-limits">
      {box(`Lower limit, ${unit}`, low, setLow)}
      <span aria-hidden="true">–</span>
      {box(`Upper limit, ${unit}`, high, setHigh)}
      {wrong && (
        <small id={id} class="field-error">
          Two numbers, the lower first.
        </small>
      )}
    </span>
  );
}

function Marks({ settings, levels }: { settings: Shown; levels: Levels }) {
  const total = levels.full.width * levels.full.height;
  const there = MARKS.filter(([bit]) => bit === SATURATED || levels.counts.get(bit));
  return (
    <fieldset class="image-marks">
      <legend class="hidden">Mark pixels</legend>
      {there.map(([bit, word]) => {
        const count = levels.counts.get(bit) ?? 0;
        return (
          <span key={bit} class="image-mark">
            <Swatch bit={bit} />
            <Switch label={`${word}: ${count ? whole(count) : "none"}${count / total > 0.001 ? ` (${figure((100 * count) / total, 2)} %)` : ""}`}
              on={Boolean(settings.marked & bit)} change={(on) => choose.marked(on ? settings.marked | bit : settings.marked & ~bit)} />
          </span>
        );
      })}
    </fieldset>
  );
}

/** What a marked pixel looks like. */
function Swatch({ bit }: { bit: number }) {
  const box = useRef<HTMLCanvasElement>(null);
  const theme = shown.value;
  useEffect(() => {
    const image = new ImageData(CELLS, CELLS);
    new Uint32Array(image.data.buffer).set(sample(bit, (name) => packed(colour(name))));
    box.current?.getContext("2d")?.putImageData(image, 0, 0);
  }, [bit, theme]);
  return <canvas ref={box} class="swatch" width={CELLS} height={CELLS} aria-hidden="true" />;
}
