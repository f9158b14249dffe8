// The next step of a file: REDUCE RAW FILE → EXTRACT TARGET → CALIBRATE WAVELENGTH → CALIBRATE FLUX, and the steps once more.

import { useState } from "preact/hooks";
import { api, intention } from "../../api/client";
import type { Accepted, FileRecord, Job } from "../../api/types";
import { useHold } from "../../core/holding";
import { over } from "../../core/jobs";
import { Button, Menu } from "../../parts/controls";
import { EXTRACTED, RAW, REDUCED } from "./family";
import { LampDialog } from "./lamps";
import { against, nextStep, STEPS, type Step } from "./process";

export type Ask = (what: string, work: () => Promise<Accepted>) => void;

/** The steps that made a file, and can be taken again: asked of it, they are taken in its variant. */
function again(record: FileRecord): Step[] {
  const type = Number(record.data_type);
  const taken: Step[] = [];
  if (type >= Number(REDUCED)) taken.push("reduce");
  if (type >= Number(EXTRACTED)) taken.push("extract");
  if (type > Number(EXTRACTED)) taken.push("wavelength");
  return taken.filter((step) => !against(step, record));
}

export function Process({ record, ask, busy }: { record: FileRecord; ask: Ask; busy: boolean }) {
  const [lamps, showLamps] = useState<"extract" | "wavelength" | null>(null);
  useHold(lamps !== null);
  const next = nextStep(record);
  const run = (step: Step, more: object = {}): void => {
    const once = intention();
    ask(STEPS[step].words, () => api.post<Accepted>(STEPS[step].path, { file: record.id, ...more }, { once }));
  };
  const reason = against(next, record);
  const spectral = !against("extract", record) && record.data_type !== RAW;
  return (
    <>
      <Button kind="main" icon="play" busy={busy} reason={reason} onClick={() => run(next)}>
        {record.data_type === "1" ? STEPS.master.again : STEPS[next].label}
      </Button>
      {(spectral || again(record).length > 0) && (
        <Menu label="Other steps">
          {spectral && (
            <>
              <Button icon="list" onClick={() => showLamps("wavelength")}>
                Calibrate with a lamp of my choice …
              </Button>
              <Button icon="list" onClick={() => showLamps("extract")}>
                Extract, then calibrate with a lamp of my choice …
              </Button>
            </>
          )}
          {again(record).map((step) => (
            <Button key={step} icon="retry" disabled={busy} onClick={() => run(step)}>
              {STEPS[step].again}
            </Button>
          ))}
        </Menu>
      )}
      {lamps && (
        <LampDialog
          record={record}
          stage={lamps}
          close={() => showLamps(null)}
          ask={(arcs) => {
            showLamps(null);
            run(lamps, arcs.length > 0 ? { arcs } : {}); // none: those the pipeline finds best
          }}
        />
      )}
    </>
  );
}

const STATES: Record<Job["status"], string> = { waiting: "waits", running: "is running", done: "is done", failed: "failed" };

/** What was asked for and how far it is. */
export function Progress({ what, job }: { what: string; job: Job | null }) {
  const shown = job && !over(job) ? job : null;
  return (
    <p class={shown ? "progress note" : "hidden"} role="status">
      {shown && (
        <>
          <span class="spinner" aria-hidden="true" />
          {what} {STATES[shown.status]}. {shown.sentence}
        </>
      )}
    </p>
  );
}
