// An image with its controls, read-out and targets.

import { effect } from "@preact/signals";
import { useEffect, useId, useMemo, useRef, useState } from "preact/hooks";
import type { FileRecord, Overlay } from "../../api/types";
import { figure, plural, title } from "../../core/format";
import { useHold } from "../../core/holding";
import { useKeys } from "../../core/keys";
import { tell } from "../../core/notices";
import { user } from "../../core/session";
import { shown as theme } from "../../core/theme";
import { Button, IconButton } from "../../parts/controls";
import { Loading } from "../../parts/states";
import type { Link } from "../link";
import { added, drawnFrom, middleColumn, traceAt, type Drawn } from "./apertures";
import { palette } from "./colours";
import { Controls } from "./controls";
import { listen, squared, zoom, type Hands } from "./gestures";
import { COSMIC, maskWords, SATURATED, Levels } from "./levels";
import { choose, shownNow, turn } from "./settings";
import { Stage, unitWord } from "./stage";
import { span } from "./view";

interface Given {
  record: FileRecord;
  levels: Levels;
  overlays: Overlay[];
  link: Link;
  made?: ((files: number[]) => void) | undefined;
  /** Why the targets that were found are not here; null if they are. */
  without: string | null;
  height?: number | undefined;
  /** Whether it is told what it is of; below a spectrum that is said already. */
  titled: boolean;
}

type Editor = typeof import("./editor");
const exported = (run: (found: typeof import("./export")) => unknown): void =>
  void import("./export").then(run, () => tell("bad", "This part of the page could not be fetched. Is the network up?"));
export { Levels };

/** Why targets of this file cannot be extracted; null if they can. */
function noExtraction(record: FileRecord): string | null {
  if (record.data_type === "2" && (record.obstype ?? "SPECTRUM") === "SPECTRUM" && !/imag/i.test(record.technique ?? "")) return null;
  if (record.data_type === "0") return "Apertures are edited on the reduced frame: open the tab “Reduced”.";
  return record.data_type === "2" ? "Only spectra of targets are extracted, not this kind of frame." : "Apertures are edited on a reduced frame.";
}

export function Panel({ record, levels, overlays, without, link, made, height, titled }: Given) {
  const settings = shownNow();
  const [drawn, setDrawn] = useState<Drawn[] | null>(null);
  const [putting, setPutting] = useState(false);
  useHold(drawn !== null);
  const found = useMemo(() => overlays.map(drawnFrom), [overlays]);
  const targets = drawn ?? found;
  const limits = useMemo(
    () => (settings.mode === "typed" ? { low: settings.low, high: settings.high } : levels.limits(settings.mode)),
    [levels, settings.mode, settings.low, settings.high],
  );
  const look = useMemo(
    () => ({ stretch: settings.stretch, limits, palette: palette(settings.map, settings.invert, theme.value === "night"), marked: settings.marked }),
    [settings.stretch, limits, settings.map, settings.invert, settings.marked, theme.value],
  );
  const { canvases, stage, show, zoomBy } = useStage(levels, link, settings.square, {
    editing: () => ({ edit: drawn !== null, put: putting }),
    change: setDrawn,
    put: (column, row) => {
      setDrawn(added(targets, column, row, levels.preview));
      setPutting(false);
    },
  }, height);
  useEffect(() => {
    if (!stage.current) return;
    Object.assign(stage.current, { look, targets, editing: drawn !== null });
    stage.current.redraw();
  }, [look, stage.current, theme.value]);
  useEffect(() => {
    if (!stage.current) return;
    Object.assign(stage.current, { targets, editing: drawn !== null });
    stage.current.redraw("top");
  }, [targets, drawn, stage.current]);

  // Who begins to edit before the targets are here would begin with none; who edits can always stop.
  const reason = drawn ? null : (noExtraction(record) ?? without);
  const [editor, setEditor] = useState<Editor | null>(null);
  const wantEditor = () => void import("./editor").then(setEditor, () => tell("bad", "The table could not be loaded. Is the network up?"));
  const edit = () => {
    setPutting(false);
    wantEditor();
    setDrawn(drawn ? null : reason ? null : found);
  };
  useKeys("Image", [
    { key: "c", help: "next colour map", run: () => turn.map(settings) },
    { key: "i", help: "invert the colours", run: () => choose.invert(!settings.invert) },
    { key: "x", help: "next stretch", run: () => turn.stretch(settings) },
    { key: "z", help: "zscale limits", run: () => choose.limits("zscale") },
    { key: "m", help: "mark saturated pixels and cosmic rays", run: () => turn.marks(settings) },
    { key: "a", help: "edit the apertures", run: () => (reason ? tell("info", reason) : edit()) },
  ]);

  const id = useId();
  const name = title(record);
  return (
    <>
      {titled && user.value?.visual_options.show_title !== false && <p class="image-title">{name}</p>}
      <Controls settings={settings} limits={limits} levels={levels} />
      {canvases(`Image of ${record.file_name}`, id, settings)}
      <Readout stage={stage.current} unit={levels.preview.unit} />
      <p id={id} class="hidden">{summary(levels, settings, limits, targets)}</p>
      <div class="buttons">
        <IconButton label="Zoom in" icon="zoomin" onClick={() => zoomBy(1.6)} />
        <IconButton label="Zoom out" icon="zoomout" onClick={() => zoomBy(1 / 1.6)} />
        <Button icon="reset" onClick={() => show(null, null)}>Whole image</Button>
        <Button aria-pressed={settings.square} onClick={() => choose.square(!settings.square)}>Square pixels</Button>
        <Button icon="download" onClick={() => exported((found) => stage.current && found.savePicture(stage.current, name, record))}>PNG</Button>
        <Button icon="download" onClick={() => exported((found) => void found.saveFile(record))}>FITS</Button>
        <Button aria-pressed={drawn !== null} reason={reason} onClick={edit}>Edit apertures</Button>
      </div>
      {drawn && !editor && <Loading what="Loading the table" />}
      {drawn && editor && (
        <editor.Editing record={record} preview={levels.preview} drawn={drawn} setDrawn={setDrawn} putting={putting} setPutting={setPutting}
          made={(files) => {
            setDrawn(null);
            made?.(files);
          }} />
      )}
      {!drawn && targets.length > 0 && (
        <details onToggle={wantEditor}>
          <summary>{plural(targets.length, "target")} with trace and zones</summary>
          {editor && <editor.Targets preview={levels.preview} targets={targets} change={null} />}
        </details>
      )}
    </>
  );
}

/** The canvases, the stage that draws on them, and what listens to hands. */
function useStage(levels: Levels, link: Link, square: boolean, edits: Pick<Hands, "editing" | "change" | "put">, height?: number) {
  const box = useRef<HTMLDivElement>(null);
  const [base, top] = [useRef<HTMLCanvasElement>(null), useRef<HTMLCanvasElement>(null)];
  const stage = useRef<Stage | null>(null);
  const [, ready] = useState(false);
  const current = useRef({ edits, square });
  current.current = { edits, square };
  const show: Hands["show"] = (x, y) => {
    const now = stage.current;
    if (!now) return;
    const whole = now.whole;
    if (y) now.y = y;
    else if (!x) now.y = whole.y;
    const next = x ?? (y ? now.x : null);
    // The whole is null: the plot of the spectrum then shows all it has, and so does the image.
    link.range.value = next && span(next) < span(whole.x) - 1e-6 ? { low: next.low, high: next.high, by: "image" } : null;
    now.redraw();
    touch(now);
  };
  const hands = useRef<Hands | null>(null);
  useEffect(() => {
    if (!box.current || !base.current || !top.current) return;
    const made = new Stage(base.current, top.current, levels);
    stage.current = made;
    made.y = made.whole.y;
    hands.current = {
      stage: made,
      show: (x, y) => show(x, y),
      point: (column) => (link.cursor.value = column === null ? null : { column, by: "image" }),
      editing: () => current.current.edits.editing(),
      change: (targets) => current.current.edits.change(targets),
      put: (column, row) => current.current.edits.put(column, row),
    };
    const watch = new ResizeObserver(([entry]) => {
      const size = entry?.contentRect;
      if (size?.width) made.resize(size.width, size.height);
      fit();
    });
    const fit = () => {
      const range = link.range.value;
      made.x = range ? { low: range.low, high: range.high } : made.whole.x;
      if (current.current.square) made.y = squared(made, made.x, made.y);
      made.redraw();
      touch(made);
    };
    watch.observe(box.current);
    const unlink = effect(fit);
    const unpoint = effect(() => {
      made.column = link.cursor.value?.column ?? null;
      made.redraw("top");
    });
    const unhear = listen(hands.current);
    ready(true);
    return () => {
      for (const stop of [unlink, unpoint, unhear]) stop();
      watch.disconnect();
      made.end();
      stage.current = null;
      if (link.cursor.peek()?.by === "image") link.cursor.value = null;
    };
  }, [levels, link]);
  useEffect(() => {
    const now = stage.current;
    if (!now) return;
    now.y = square ? squared(now, now.x, now.y) : now.whole.y;
    now.redraw();
  }, [square]);
  const canvases = (label: string, described: string, settings: { map: string }) => (
    <div class="image-stage" ref={box} style={height ? { height: `${height}px` } : undefined} data-map={settings.map}>
      <canvas ref={base} aria-hidden="true" />
      <canvas ref={top} tabIndex={0} role="img" aria-label={label} aria-describedby={described}
        class={edits.editing().edit ? "editing" : ""} />
    </div>
  );
  return { canvases, stage, show, zoomBy: (factor: number) => hands.current && zoom(hands.current, factor) };
}

/** One finger scrolls the page, unless there are rows to move to. */
function touch({ top, y, whole }: Stage): void {
  top.style.touchAction = span(y) < span(whole.y) - 1e-6 ? "none" : "";
}

/** What is below the pointer, in words. */
function Readout({ stage, unit }: { stage: Stage | null; unit: string }) {
  const at = stage?.pointed.value;
  return (
    <p class="image-readout">
      {at ? (
        <>
          Column <b>{at.column}</b> row <b>{at.row}</b> value <b>{figure(at.value, 5)} {unitWord(unit)}</b>
          {maskWords(at.mask).map((word) => ` · ${word}`).join("")}
        </>
      ) : (
        "Point to read values. Wheel or pinch: zoom (Shift: columns only). Drag: move. Double click: all."
      )}
    </p>
  );
}

function summary(levels: Levels, settings: ReturnType<typeof shownNow>, limits: { low: number; high: number }, targets: Drawn[]): string {
  const { width, height, corner, unit } = levels.preview;
  const count = (bit: number, word: string, many?: string) => (levels.mask ? ` ${plural(levels.counts.get(bit) ?? 0, word, many)}.` : "");
  const each = targets.map((one, i) => {
    const [low, high] = one.target.map((edge) => edge.toFixed(1));
    return ` Target ${i + 1}: trace at row ${(traceAt(one, middleColumn(one)) + corner[1]).toFixed(1)}, aperture from ${low} to ${high} rows off it.`;
  });
  return (
    `${width} columns by ${height} rows, from column ${corner[0]} and row ${corner[1]} of the raw frame. ` +
    `Stretch ${settings.stretch}, limits ${figure(limits.low, 4)} to ${figure(limits.high, 4)} ${unit}.` +
    `${count(SATURATED, "saturated pixel")}${levels.preview.mask ? count(COSMIC, "pixel of cosmic rays", "pixels of cosmic rays") : ""} ${plural(targets.length, "target")}.${each.join("")} ` +
    "Arrow keys move, plus and minus zoom, 0 shows all; with Shift the arrows read single pixels."
  );
}
