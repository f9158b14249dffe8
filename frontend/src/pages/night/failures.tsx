// What failed or was rejected in the night, in whole sentences, and the way to try it again.

import { useRef } from "preact/hooks";
import { api, intention } from "../../api/client";
import type { Accepted, FileRecord } from "../../api/types";
import { useJob } from "../../core/jobs";
import { href } from "../../core/router";
import { Button, Status } from "../../parts/controls";
import { FormError } from "../../parts/states";

export function Failures({ records, night, error, changed }: { records: FileRecord[]; night: number; error: unknown; changed: () => void }) {
  if (!records.length && !error) return null;
  return (
    <section class="panel failures" aria-labelledby="failures-title">
      <h2 id="failures-title">
        Failed or rejected <span class="count">{records.length}</span>
      </h2>
      <FormError error={error} />
      <ul>
        {records.map((record) => <Failure key={record.id} record={record} night={night} changed={changed} />)}
      </ul>
    </section>
  );
}

function Failure({ record, night, changed }: { record: FileRecord; night: number; changed: () => void }) {
  const once = useRef(intention());
  const { job, busy, ask } = useJob(changed);
  const retry = () =>
    void ask(`Retry of ${record.file_name ?? record.id}`, async () => {
      const accepted = await api.post<Accepted>(`/files/${record.id}/retry`, undefined, { once: once.current });
      once.current = intention();
      changed();
      return accepted;
    });
  const reason = record.status === "rejected" ? "It was looked at and cannot be reduced as it is: trying again would say the same." : null;
  return (
    <li>
      <p>
        <Status status={record.status} /> <a class="mono" href={href("data", record.id, { night })}>{record.file_name ?? record.id}</a> {record.obstype} {record.object}
      </p>
      <p>{record.failure?.sentence ?? record.status_reason ?? "No reason was given."}</p>
      <div class="buttons">
        <Button icon="retry" busy={busy} reason={reason} onClick={retry}>Retry</Button>
        {record.failure?.retryable === false && !reason && <span class="soft">The same inputs will fail again: change something before.</span>}
        {job && <span class="soft" role="status">{job.sentence}</span>}
      </div>
    </li>
  );
}
