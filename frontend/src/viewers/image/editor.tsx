// The targets of an image as a table; while they are edited, every place and edge is a number field, and the pipeline can be
// asked to extract them.

import { useEffect, useRef, useState } from "preact/hooks";
import { api, intention } from "../../api/client";
import type { Accepted, FileRecord } from "../../api/types";
import { fixed } from "../../core/format";
import { useJob } from "../../core/jobs";
import { Button, IconButton } from "../../parts/controls";
import type { ImagePreview } from "../container";
import {
  added, edged, middleColumn, MOST_TARGETS, MOST_ZONES, problem, toAperture, traceAt, withSky, withoutSky, withoutTarget, type Drawn, type Grip,
} from "./apertures";

interface Given {
  preview: ImagePreview;
  targets: Drawn[];
  /** Null: they are only shown. */
  change: ((targets: Drawn[]) => void) | null;
}

export function Targets({ preview, targets, change }: Given) {
  if (!targets.length && !change) return null;
  const { corner } = preview;
  const cell = (label: string, value: number, grip: Grip, shift = 0) =>
    change ? (
      <Edge label={label} value={value + shift} change={(rows) => change(edged(targets, grip, rows - shift))} />
    ) : (
      fixed(value + shift, 1)
    );
  return (
    <div class="table-box" tabIndex={0} role="region" aria-label="Targets and their zones">
      <table class="image-targets">
        <caption>
          Trace: row of the raw frame. Zones: rows from the trace{preview.binning[1] > 1 ? ` (binned by ${preview.binning[1]})` : ""}.
        </caption>
        <thead>
          <tr>
            <th scope="col">Target</th>
            <th scope="col" class="number">From</th>
            <th scope="col" class="number">To</th>
            {change && <th scope="col"><span class="hidden">Change</span></th>}
          </tr>
        </thead>
        {targets.map((one, target) => {
          const name = `Target ${target + 1}`;
          const column = middleColumn(one);
          const place = { target, part: "trace" } as const;
          return (
            <tbody key={target}>
              <tr>
                <th scope="row">{name}, trace at column {column + corner[0]}</th>
                <td class="number">{cell(`${name}: row of the trace`, traceAt(one, column), place, corner[1])}</td>
                <td />
                {change && (
                  <td class="actions">
                    <IconButton label={`Remove ${name.toLowerCase()}`} icon="trash" kind="quiet" onClick={() => change(withoutTarget(targets, target))} />
                  </td>
                )}
              </tr>
              <tr>
                <th scope="row">Aperture</th>
                {one.target.map((edge, i) => (
                  <td key={i} class="number">{cell(`${name}: aperture ${i ? "to" : "from"}`, edge, { target, part: "target", edge: i as 0 | 1 })}</td>
                ))}
                {change && <td class="actions"><SkyButton {...{ targets, target, change, preview, name }} /></td>}
              </tr>
              {one.sky.map((zone, k) => (
                <tr key={k}>
                  <th scope="row">Sky {k + 1}</th>
                  {zone.map((edge, i) => (
                    <td key={i} class="number">
                      {cell(`${name}: sky ${k + 1} ${i ? "to" : "from"}`, edge, { target, part: "sky", zone: k, edge: i as 0 | 1 })}
                    </td>
                  ))}
                  {change && (
                    <td class="actions">
                      <IconButton label={`Remove sky ${k + 1} of ${name.toLowerCase()}`} icon="trash" kind="quiet"
                        reason={one.sky.length < 2 ? "A target needs one zone of sky." : null}
                        onClick={() => change(withoutSky(targets, target, k))} />
                    </td>
                  )}
                </tr>
              ))}
            </tbody>
          );
        })}
      </table>
    </div>
  );
}

function SkyButton({ targets, target, change, preview, name }: {
  targets: Drawn[]; target: number; change: (targets: Drawn[]) => void; preview: ImagePreview; name: string;
}) {
  const full = (targets[target]?.sky.length ?? 0) >= MOST_ZONES;
  return (
    <Button kind="quiet" icon="plus" aria-label={`Add a sky zone to ${name.toLowerCase()}`} reason={full ? `At most ${MOST_ZONES} zones.` : null}
      onClick={() => change(withSky(targets, target, preview.binning[1]))}>
      Sky
    </Button>
  );
}

/** A number that is taken as it is typed, where it is one, and put in its form when the field is left. */
function Edge({ label, value, change }: { label: string; value: number; change: (value: number) => void }) {
  const [text, setText] = useState<string | null>(null);
  const form = String(Math.round(value * 100) / 100);
  useEffect(() => setText(null), [form]);
  const take = () => {
    const typed = Number(text);
    if (text?.trim() && Number.isFinite(typed)) change(typed);
    setText(null);
  };
  return (
    <input type="number" step="0.5" aria-label={label} value={text ?? form} onInput={(event) => setText(event.currentTarget.value)}
      onChange={take} onBlur={take} onKeyDown={(event) => event.key === "Enter" && take()} />
  );
}

/** Put a target with a click on the image, or at a row that is typed. */
function NewTarget({ preview, targets, change, putting, put }: Given & {
  change: (targets: Drawn[]) => void; putting: boolean; put: (on: boolean) => void;
}) {
  const [row, setRow] = useState("");
  const full = targets.length >= MOST_TARGETS ? `At most ${MOST_TARGETS} targets at once.` : null;
  const image = Number(row) - preview.corner[1];
  const wrong = row.trim() && image >= 0 && image < preview.height ? null : `Type a row of the raw frame, ${preview.corner[1]} to ${preview.corner[1] + preview.height - 1}.`;
  return (
    <div class="buttons">
      <Button icon="plus" aria-pressed={putting} reason={full} onClick={() => put(!putting)}>
        {putting ? "Click on the image …" : "Put a target"}
      </Button>
      <form class="buttons" onSubmit={(event) => {
        event.preventDefault();
        if (full || wrong) return;
        change(added(targets, Math.floor(preview.width / 2), image, preview));
        setRow("");
      }}>
        <label class="image-row">
          or at row <input type="number" step="any" value={row} onInput={(event) => setRow(event.currentTarget.value)} />
        </label>
        <Button type="submit" reason={full ?? wrong}>Add</Button>
      </form>
    </div>
  );
}

/** What is drawn on the image as a form, and the button that has it extracted. */
export function Editing({ record, preview, drawn, setDrawn, putting, setPutting, made }: {
  record: FileRecord; preview: ImagePreview; drawn: Drawn[]; setDrawn: (drawn: Drawn[]) => void;
  putting: boolean; setPutting: (on: boolean) => void; made: (files: number[]) => void;
}) {
  const { job, busy, ask } = useJob(made);
  // One key for one wish: pressed again after an answer that was lost, it is not done twice.
  const wish = useRef({ text: "", once: "" });
  const extract = () => {
    const body = { file: record.id, apertures: drawn.map((one) => toAperture(preview, one)) };
    const text = JSON.stringify(body);
    if (wish.current.text !== text) wish.current = { text, once: intention() };
    void ask("Extraction", async () => {
      const accepted = await api.post<Accepted>("/spectrum/extract", body, { once: wish.current.once });
      wish.current.text = "";
      return accepted;
    });
  };
  return (
    <section class="image-editing" aria-label="Edit apertures">
      <p class="soft">Drag the edges of aperture and sky or the trace on the image, or type rows. Zoom in for finer steps.</p>
      <NewTarget preview={preview} targets={drawn} change={setDrawn} putting={putting} put={setPutting} />
      <Targets preview={preview} targets={drawn} change={setDrawn} />
      <div class="buttons">
        <Button kind="main" icon="play" busy={busy} reason={problem(drawn, preview)} onClick={extract}>Re-extract</Button>
        <span role="status">{job ? `${busy ? "Extracting: " : ""}${job.sentence}` : busy ? "Asking the pipeline …" : ""}</span>
      </div>
    </section>
  );
}
