// All of a proposal's frames reduced anew: first it is said how many, then it is asked for, then followed.

import { useEffect, useRef, useState } from "preact/hooks";
import { api, intention, Refused } from "../../api/client";
import type { Accepted, Job } from "../../api/types";
import type { components } from "../../api/contract";
import { useAction } from "../../core/fetching";
import { plural } from "../../core/format";
import { over, useJob } from "../../core/jobs";
import { Button, TextField } from "../../parts/controls";
import { FormError } from "../../parts/states";
import { nightNumber } from "./nights";

type Counted = components["schemas"]["Reprocess"];

export function Reprocess({ soarId, may }: { soarId: string; may: boolean }) {
  const [first, setFirst] = useState("");
  const [last, setLast] = useState("");
  const [counted, setCounted] = useState<Counted | null>(null);
  const once = useRef(intention());
  const { busy, error, run, clear } = useAction();
  const work = useJob();
  const what = { proposal: soarId, ...nightRange(first, last) };
  // Another selection is another intention, and needs another count.
  useEffect(() => {
    once.current = intention();
    setCounted(null);
    clear();
  }, [soarId, first, last]);
  const count = () => void run(async () => setCounted(await api.post<Counted>("/reprocess", { ...what, dry_run: true })));
  const start = () =>
    void work.ask(`Reprocessing ${soarId}`, async () => {
      const accepted = await api.post<Accepted>("/reprocess", what, { once: once.current });
      once.current = intention();
      setCounted(null);
      return accepted;
    });
  const about = (field: string) => (error instanceof Refused ? error.about(field) : undefined);
  const reason = may ? null : "Only the principal investigator and staff may ask for it.";
  return (
    <div class="stack">
      <p class="soft">
        Every raw frame is reduced again with the present settings and the present version of the reduction. What is there stays
        until its successor is there; tonight's frames go first.
      </p>
      <div class="row">
        <TextField label="First night" type="date" value={first} change={setFirst} help="Empty: from the first one." error={about("first_night")} />
        <TextField label="Last night" type="date" value={last} change={setLast} help="Empty: up to the last one." error={about("last_night")} />
      </div>
      <div class="buttons">
        <Button onClick={count} busy={busy} reason={reason}>Count the frames</Button>
        {counted && (
          <Button kind="main" icon="retry" onClick={start} busy={work.busy} reason={counted.frames ? reason : "There is nothing to reprocess."}>
            {`Reprocess ${plural(counted.frames, "frame")}`}
          </Button>
        )}
      </div>
      <p role="status">
        {counted &&
          `That is ${plural(counted.frames, "frame")} of ${plural(counted.nights, "night")}. They get revision ${counted.settings_revision} of the settings and version ${counted.science_version} of the reduction.`}
      </p>
      <FormError error={error} />
      {work.job && <Progress job={work.job} />}
    </div>
  );
}

function nightRange(first: string, last: string): { first_night?: number; last_night?: number } {
  const from = nightNumber(first);
  const to = nightNumber(last);
  return { ...(from ? { first_night: from } : {}), ...(to ? { last_night: to } : {}) };
}

/** How far a job on many frames is. */
export function Progress({ job }: { job: Job }) {
  const counts = (job.result as { progress?: { done: number; failed: number; of: number } } | null)?.progress;
  const label = over(job) ? "Finished" : "Under way";
  return (
    <div class="stack">
      {counts && <progress class="wide" max={counts.of || 1} value={counts.done + counts.failed} aria-label={`${label}: ${job.sentence}`} />}
      <p role="status">{job.sentence}</p>
    </div>
  );
}
