// What is done with the selected files: downloaded as one, listed, deleted.

import { useEffect, useRef, useState } from "preact/hooks";
import { api, intention, send } from "../../api/client";
import type { Accepted, FileRecord, Job } from "../../api/types";
import { useAction } from "../../core/fetching";
import { bytes, plural, whole } from "../../core/format";
import { over, useJob } from "../../core/jobs";
import { sentence, tell } from "../../core/notices";
import { user } from "../../core/session";
import { Button, Confirm, Menu } from "../../parts/controls";
import { nameOf, openDownload, saveBlob } from "../../parts/save";
import { FormError } from "../../parts/states";
import { asked, deletable, isNone, MOST_BYTES, MOST_PACKED, tooLarge, tooMany, words, type Chosen } from "./chosen";

const LISTS = [
  ["curl", "Script that fetches them (curl)", "goodman.sh"],
  ["sha256", "Checksums (SHA256SUMS)", "SHA256SUMS"],
  ["json", "Addresses, sizes, checksums (JSON)", "manifest.json"],
] as const;

export function Actions({ chosen, clear, deleted }: {
  chosen: Chosen;
  clear: () => void;
  deleted: (files: FileRecord[], until: string) => void;
}) {
  const [asking, setAsking] = useState(false);
  const lists = useAction();
  const archive = useArchive(chosen);
  const going = deletable(chosen, Boolean(user.value?.is_staff || user.value?.is_superuser));
  const save = (form: string, name: string) =>
    lists.run(async () => {
      const { query, body } = asked(chosen);
      const answer = await send("POST", `/files/manifest?${query && `${query}&`}format=${form}`, { body });
      saveBlob(nameOf(answer, name), await answer.blob());
    });
  if (isNone(chosen) && !archive.job) return null;
  return (
    <section class="selection panel" aria-label="Selected files">
      {!isNone(chosen) && <div class="buttons">
        <strong role="status">{words(chosen)}</strong>
        <Button icon="download" kind="main" busy={archive.busy} reason={tooLarge(chosen)} onClick={archive.ask}>
          Download as one
        </Button>
        {tooMany(chosen) ? (
          <Button icon="list" reason={tooMany(chosen)}>Lists and script</Button>
        ) : (
          <Menu label="Lists and script" icon="list">
            {LISTS.map(([form, label, name]) => (
              <Button key={form} icon="file" busy={lists.busy} onClick={() => void save(form, name)}>
                {label}
              </Button>
            ))}
          </Menu>
        )}
        <Button icon="trash" kind="danger" reason={going.reason} onClick={() => setAsking(true)}>
          Delete
        </Button>
        <Button kind="quiet" icon="close" onClick={clear}>
          Select none
        </Button>
      </div>}
      {tooLarge(chosen) && !isNone(chosen) && <p class="note warn">{tooLarge(chosen)}</p>}
      {!isNone(chosen) && <p class="help">
        One archive takes at most {whole(MOST_PACKED)} files and {bytes(MOST_BYTES)} and is kept for a day. The addresses of a list or script work for a
        quarter of an hour; a new script goes on where the last one stopped.
      </p>}
      <FormError error={lists.error} />
      {archive.job && <Progress job={archive.job} fetch={archive.fetch} />}
      {asking && <Deletion {...going} close={() => setAsking(false)} done={(until) => { setAsking(false); deleted(going.files, until); }} />}
    </section>
  );
}

/** The archive of a selection: asked for once, followed, and fetched when it is there. */
function useArchive(chosen: Chosen): { job: Job | null; busy: boolean; ask: () => void; fetch: (job: Job) => void } {
  const once = useRef({ about: "", key: "" });
  const fetch = (job: Job) => {
    api.get<{ url: string }>(`/jobs/${job.id}/download`).then(
      ({ url }) => openDownload(url),
      (failure: unknown) => tell("bad", sentence(failure)),
    );
  };
  const { job, busy, ask } = useJob((_, done) => fetch(done));
  return {
    job,
    busy,
    fetch,
    ask: () => {
      const { query, body } = asked(chosen);
      const about = JSON.stringify([query, body]);
      if (once.current.about !== about) once.current = { about, key: intention() };
      void ask("The archive", async () => {
        const answer = await api.post<Accepted>(`/files/zip${query && `?${query}`}`, body, { once: once.current.key });
        once.current = { about: "", key: "" }; // the next press is another archive
        return answer;
      });
    },
  };
}

function Progress({ job, fetch }: { job: Job; fetch: (job: Job) => void }) {
  const progress = job.result?.progress as { done?: number; of?: number } | undefined;
  return (
    <div class="archive">
      {!over(job) && <progress aria-label="Files packed" {...(progress?.of ? { max: progress.of, value: progress.done ?? 0 } : {})} />}
      <span role="status">Archive: {job.sentence}</span>
      {job.status === "done" && (
        <Button icon="download" onClick={() => fetch(job)}>
          Download the archive
        </Button>
      )}
    </div>
  );
}

function Deletion({ files, left, close, done }: {
  files: FileRecord[]; left: string[]; close: () => void; done: (until: string) => void;
}) {
  const { busy, error, run } = useAction();
  const remove = () =>
    run(async () => {
      const answer = await api.remove<{ deleted: { restorable_until: string }[] }>("/files", { body: { ids: files.map((one) => one.id) } });
      done(answer.deleted[0]?.restorable_until ?? "");
    });
  return (
    <Confirm title={`Delete ${plural(files.length, "product")}?`} yes="Delete" danger busy={busy} run={() => void remove()} close={close}>
      <p>They are gone at once for everybody who sees them, and can be restored for a day.</p>
      <ul class="mono">
        {files.slice(0, 8).map((one) => (
          <li key={one.id}>{one.file_name}</li>
        ))}
        {files.length > 8 && <li>and {files.length - 8} more</li>}
      </ul>
      {left.map((text) => (
        <p key={text} class="note">
          {text}
        </p>
      ))}
      <FormError error={error} />
    </Confirm>
  );
}

/** What was deleted just now, with the way back; it stays until it is dismissed. */
export function Undo({ files, until, restored, dismiss }: {
  files: FileRecord[]; until: string; restored: () => void; dismiss: () => void;
}) {
  const { busy, error, run } = useAction();
  const left = useRef(files);
  useEffect(() => {
    left.current = files;
  }, [files]);
  const restore = () =>
    run(async () => {
      while (left.current[0]) {
        await api.post(`/files/${left.current[0].id}/restore`); // one already restored is answered alike
        left.current = left.current.slice(1);
      }
      restored();
    });
  return (
    <div class="note undo">
      <p role="status">
        {plural(files.length, "file")} deleted{until && `; restorable until ${until.slice(0, 16).replace("T", " ")} UT`}.
      </p>
      <Button icon="undo" busy={busy} onClick={() => void restore()}>
        Undo
      </Button>
      <Button kind="quiet" icon="close" onClick={dismiss}>
        Dismiss
      </Button>
      <FormError error={error} />
    </div>
  );
}
