// The 1-D viewer: a spectrum, how it is shown, what is laid over it, and what can be taken from it.

import { useId, useMemo, useRef, useState } from "preact/hooks";
import type { FileRecord } from "../../api/types";
import { useResource } from "../../core/fetching";
import { title } from "../../core/format";
import { useKeys } from "../../core/keys";
import { sentence, tell } from "../../core/notices";
import { shown } from "../../core/theme";
import { Button, Menu } from "../../parts/controls";
import { Empty, Failed, Loading } from "../../parts/states";
import type { SpectrumPreview } from "../container";
import { type Link, makeLink } from "../link";
import { isSpectrum, load } from "../preview";
import { MainControls } from "./controls";
import { Fold, type More, more, useMore } from "./folds";
import { pan, step, viewOf, zoom } from "./gestures";
import { type Drawn, Plot } from "./plot";
import { type Laid, makeScene } from "./scene";
import { nextWidth, toggleLines, useSettings } from "./settings";
import { Legend, ReadOut, Summary } from "./telling";

interface Props {
  record: FileRecord;
  /** Columns in view and cursor, shared with the image beside. */
  link?: Link | undefined;
}

export function SpectrumViewer({ record, link }: Props) {
  const own = useMemo(makeLink, []);
  const spectrum = useResource(`${record.id}-${record.sha256}`, async (signal) => {
    const preview = await load(record, signal);
    if (!isSpectrum(preview)) throw new Error("This file is an image: it has no spectrum of its own.");
    return preview;
  });
  if (record.status === "waiting" || record.status === "queued") {
    return <Empty>There is no spectrum yet. {record.status_reason ?? "It is in the queue."}</Empty>;
  }
  if (spectrum.error) return <Failed error={spectrum.error} retry={spectrum.reload} />;
  if (!spectrum.data) return <Loading what="Loading the spectrum" />;
  if (!spectrum.data.length) return <Empty>This spectrum has no columns.</Empty>;
  return <Spectrum record={record} preview={spectrum.data} link={link ?? own} />;
}

const NONE: Laid = { ready: [], failed: [], retry: () => undefined };

function Spectrum({ record, preview, link }: { record: FileRecord; preview: SpectrumPreview; link: Link }) {
  const [settings, change] = useSettings(link);
  const [overlays, lay] = useState<Laid>(NONE);
  const [found, retry] = useMore(settings.lists.length + settings.overlays.length > 0);
  const extra = found instanceof Error ? null : found;
  const scene = useMemo(() => makeScene(preview, settings, overlays.ready, extra?.marksOf ?? null), [preview, settings, overlays, extra]);
  const drawn = useRef<Drawn | null>(null);
  const summary = useId();
  void shown.value; // drawn again in the colours of another theme

  const act = (work: (drawn: Drawn) => void) => () => {
    if (drawn.current) work(drawn.current);
  };
  const by = (factor: number) => act(({ painter }) => zoom(link, painter, factor));
  const move = (part: number) => act(({ painter }) => pan(link, painter, part));
  const read = (columns: number) => act(({ painter }) => step(link, painter, columns));
  const reset = () => (link.range.value = null);
  useKeys("Spectrum", [
    { key: "+", help: "zoom in", run: by(0.5) },
    { key: "=", help: "zoom in", run: by(0.5) },
    { key: "-", help: "zoom out", run: by(2) },
    { key: "0", help: "show all", run: reset },
    { key: "ArrowLeft", help: "move to the left", run: move(-0.2) },
    { key: "ArrowRight", help: "move to the right", run: move(0.2) },
    { key: ",", help: "reading line one column to the left", run: read(-1) },
    { key: ".", help: "reading line one column to the right", run: read(1) },
    { key: "s", help: "next smoothing", run: () => change({ smooth: nextWidth(settings.smooth) }) },
    { key: "l", help: "lines", run: () => change({ lists: toggleLines(settings) }) },
    { key: "e", help: "error band", run: () => change({ band: !settings.band }) },
    { key: "o", help: "sky: same scale, own scale, off", run: () => change({ sky: settings.sky === "off" ? "same" : settings.sky === "same" ? "own" : "off" }) },
    { key: "b", help: "optimal or box extraction", run: () => change({ flux: settings.flux === "box" ? "optimal" : "box" }) },
    { key: "v", help: "wavelengths in air or vacuum", run: () => change({ medium: settings.medium === "air" ? "vacuum" : "air" }) },
    { key: "w", help: "steps or a line", run: () => change({ step: !settings.step }) },
  ]);

  const controls = { record, scene, settings, change };
  return (
    <section class="spectrum" aria-label={`Spectrum of ${record.object ?? record.file_name ?? "this file"}`}>
      <MainControls {...controls} zoom={(factor) => by(factor)()} move={(part) => move(part)()} reset={reset} whole={!link.range.value}>
        <Export record={record} scene={scene} link={link} drawn={drawn} />
      </MainControls>
      <Plot scene={scene} link={link} setZ={(z) => change({ z })} label={`Plot of ${title(record)}`} describedBy={summary} drawn={drawn} />
      <div class="spectrum-below">
        <ReadOut scene={scene} link={link} drawn={drawn} />
        <Legend scene={scene} link={link} />
      </div>
      {found instanceof Error && <Failed error={found} retry={retry} />}
      {extra && <extra.LineControls {...controls} />}
      {extra && <extra.Overlays ids={settings.overlays} give={lay} />}
      <div class="spectrum-folds">
        <Summary id={summary} record={record} scene={scene} link={link} />
        <Fold title="Axes and extraction">{({ AxisControls }) => <AxisControls {...controls} />}</Fold>
        <Fold title={`Compare${settings.overlays.length ? ` (${settings.overlays.length})` : ""}`} begin={settings.overlays.length > 0}>
          {({ Picker }) => <Picker {...controls} overlays={overlays} />}
        </Fold>
        <Fold title="Values">{({ Rows }) => <Rows scene={scene} link={link} />}</Fold>
      </div>
    </section>
  );
}

function Export({ record, scene, link, drawn }: { record: FileRecord; scene: ReturnType<typeof makeScene>; link: Link; drawn: { current: Drawn | null } }) {
  const save = (work: (drawn: Drawn, how: More) => void | Promise<void>) => () => {
    const now = drawn.current;
    if (now) void more().then((how) => work(now, how)).catch((failure: unknown) => tell("bad", `Nothing was saved. ${sentence(failure)}`));
  };
  return (
    <Menu label="Export" icon="download">
      <Button onClick={save(({ painter }, { saveTable }) => { const { low, high } = viewOf(link, painter); saveTable(record, scene, low, high); })}>CSV of what is in view</Button>
      <Button onClick={save((now, { savePicture }) => savePicture(record, now, link, true))}>PNG in print colours</Button>
      <Button onClick={save((now, { savePicture }) => savePicture(record, now, link, false))}>PNG as shown</Button>
      <Button onClick={save((_, { saveFits }) => saveFits(record))}>FITS file</Button>
      <Button onClick={save((_, { saveExport }) => saveExport(record, "ascii"))}>ASCII table (ECSV), all columns</Button>
      <Button onClick={save((_, { saveExport }) => saveExport(record, "votable"))}>VOTable, all columns</Button>
    </Menu>
  );
}

