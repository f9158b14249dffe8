// What can be done with the file that is shown, besides the next step.

import { useState } from "preact/hooks";
import { api, intention } from "../../api/client";
import type { Accepted, FileRecord } from "../../api/types";
import { useHold } from "../../core/holding";
import { sentence, tell } from "../../core/notices";
import { amend } from "../../core/router";
import { onEnd, user } from "../../core/session";
import { Button, Confirm, Menu } from "../../parts/controls";
import { openDownload } from "../../parts/save";
import { Process, type Ask } from "./extract";
import { RAW, type Family } from "./family";
import { unclassifiable, undeletable, unmarkable } from "./process";

/** What was deleted here, by raw frame: it can be restored for a day. */
const gone = new Map<number, { id: number; name: string; type: string }[]>();
onEnd(() => gone.clear());
export const deletedOf = (root: number, type: string): { id: number; name: string }[] =>
  (gone.get(root) ?? []).filter((one) => one.type === type);

export async function download(id: number): Promise<void> {
  try {
    openDownload((await api.get<{ url: string }>(`/files/${id}/download`)).url);
  } catch (failure) {
    tell("bad", `The download was refused. ${sentence(failure)}`);
  }
}

/** Restore a deleted file and say so. */
export async function restore(root: number, id: number, name: string, done: (id: number) => void): Promise<void> {
  try {
    await api.post(`/files/${id}/restore`);
    gone.set(root, (gone.get(root) ?? []).filter((one) => one.id !== id));
    tell("good", `${name} is back.`);
    done(id);
  } catch (failure) {
    tell("bad", `${name} could not be restored. ${sentence(failure)}`);
  }
}

interface Props {
  family: Family;
  record: FileRecord;
  ask: Ask;
  busy: boolean;
  /** It is gone; or it is back again. */
  deleted: () => void;
  restored: (id: number) => void;
}

type Asking = "delete" | "bad" | "type" | null;

export function Actions({ family, record, ask, busy, deleted, restored }: Props) {
  const [asking, setAsking] = useState<Asking>(null);
  const [deleting, setDeleting] = useState(false);
  const staff = user.value?.is_staff ?? false;
  const root = family.root;
  const [dialogs, setDialogs] = useState<typeof import("./decisions") | null>(null);
  const close = (): void => setAsking(null);
  useHold(asking !== null); // who says yes means the file they were asked about
  const seldom = (run: (found: typeof import("./decisions")) => unknown): void =>
    void import("./decisions").then(run, () => tell("bad", "This part of the page could not be fetched. Is the network up?"));
  const decide = (about: "bad" | "type"): void =>
    seldom((found) => {
      setDialogs(found);
      setAsking(about);
    });
  const post = (what: string, id: number, action: string, body?: object): void => {
    const once = intention();
    close();
    ask(what, () => api.post<Accepted>(`/files/${id}/${action}`, body, { once }));
  };
  const remove = async (): Promise<void> => {
    setDeleting(true);
    try {
      await api.remove(`/files/${record.id}`);
      const { id, file_name: name, data_type: type } = record;
      gone.set(root.id, [...(gone.get(root.id) ?? []), { id, name: name ?? "", type: type ?? "" }]);
      tell("good", `${name} is deleted. It can be restored for a day.`, {
        label: "Undo",
        run: () => void restore(root.id, id, name ?? "", restored),
      });
      close();
      deleted();
    } catch (failure) {
      tell("bad", `${record.file_name} was not deleted. ${sentence(failure)}`);
      close();
    } finally {
      setDeleting(false);
    }
  };
  const marking = unmarkable(record, staff);
  return (
    <div class="buttons data-actions">
      <Process record={record} ask={ask} busy={busy} />
      <Button icon="download" onClick={() => void download(record.id)}>
        Download
      </Button>
      <Menu label="More">
        <Button icon="zoomin" onClick={() => amend({ full: 1 }, { push: true })}>
          Advanced visualization
        </Button>
        <Button icon="file" onClick={() => seldom((found) => found.script(family))}>
          Script to fetch this frame and its products (curl)
        </Button>
        {marking !== undefined &&
          (record.bad ? (
            <Button icon="check" reason={marking} disabled={busy} onClick={() => post("Taking the mark away", record.id, "unmark")}>
              Take the mark of a bad calibration away
            </Button>
          ) : (
            <Button icon="warning" reason={marking} disabled={busy} onClick={() => decide("bad")}>
              Mark as a bad calibration …
            </Button>
          ))}
        <Button icon="cog" reason={unclassifiable(record)} disabled={busy} onClick={() => decide("type")}>
          The header is wrong about what this is …
        </Button>
        <Button icon="trash" kind="danger" reason={undeletable(record, staff)} onClick={() => setAsking("delete")}>
          Delete
        </Button>
      </Menu>
      {asking === "delete" && (
        <Confirm title={`Delete ${record.file_name}?`} yes="Delete" danger busy={deleting} run={() => void remove()} close={close}>
          <p>It disappears for everybody and can be restored for a day. The raw frame stays, and it can be made again.</p>
        </Confirm>
      )}
      {dialogs && asking === "bad" && <dialogs.MarkBad name={record.file_name ?? ""} close={close} run={(reason) => post("The mark", record.id, "mark-bad", { reason })} />}
      {dialogs && asking === "type" && (
        <dialogs.Reclassify
          name={root.file_name}
          now={root.obstype ?? ""}
          close={close}
          run={(obstype) => post("The new type", record.data_type === RAW ? record.id : root.id, "reclassify", { obstype })}
        />
      )}
    </div>
  );
}
