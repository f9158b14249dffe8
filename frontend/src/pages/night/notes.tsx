// What people write: notes on the night, and comments on its frames.

import { useRef, useState } from "preact/hooks";
import { api, intention, Refused } from "../../api/client";
import type { Comment, Page, Proposal } from "../../api/types";
import { useAction, useResource } from "../../core/fetching";
import { href } from "../../core/router";
import { user } from "../../core/session";
import { Button, Choice, Confirm, Dialog, IconButton, TextField, Time } from "../../parts/controls";
import { FormError } from "../../parts/states";
import type { Frame } from "./frames";

const LONGEST = 2_000;
const MOST_PAGES = 5;

/** Where a comment is changed and removed. */
const addressOf = (comment: Comment): string =>
  comment.file_id ? `/files/${comment.file_id}/comments/${comment.id}` : `/nights/${comment.night}/comments/${comment.id}`;

/** One comment with what its author may do with it; `about` names its file where that is not clear. */
export function Remark({ comment, about, changed }: { comment: Comment; about?: boolean; changed: () => void }) {
  const [editing, edit] = useState<string | null>(null);
  const [removing, remove] = useState(false);
  const { busy, error, run, clear } = useAction();
  const save = async (event: Event) => {
    event.preventDefault();
    if (await run(() => api.patch(addressOf(comment), { text: editing }))) {
      edit(null);
      changed();
    }
  };
  return (
    <li class="remark">
      <p class="soft remark-head">
        <strong>{comment.author}</strong>
        <Time at={comment.time} />
        {comment.edited && <span>edited{comment.edited_by && comment.edited_by !== comment.author ? ` by ${comment.edited_by}` : ""}</span>}
        {!comment.file_id && <span>{comment.proposal ? `for ${comment.proposal}` : "for everybody"}</span>}
        {about && comment.file_id && <a class="mono" href={href("data", comment.file_id, { panel: "comments" })}>{comment.file_name}</a>}
        {comment.yours && editing === null && (
          <span class="buttons">
            <Button kind="quiet" onClick={() => edit(comment.text)}>Edit</Button>
            <Button kind="quiet" onClick={() => remove(true)}>Remove</Button>
          </span>
        )}
      </p>
      {editing === null ? (
        <p class="remark-text">{comment.text}</p>
      ) : (
        <form class="stack" onSubmit={(event) => void save(event)}>
          <TextField label="Text" rows={3} maxLength={LONGEST} value={editing} change={edit} />
          <FormError error={error} />
          <div class="buttons">
            <Button type="submit" kind="main" busy={busy} reason={editing.trim() ? null : "There is no text."}>Save</Button>
            <Button onClick={() => { edit(null); clear(); }}>Cancel</Button>
          </div>
        </form>
      )}
      {removing && (
        <Confirm title="Remove this for good?" yes="Remove" danger busy={busy} close={() => { remove(false); clear(); }}
          run={() => void run(() => api.remove(addressOf(comment))).then((done) => done && (remove(false), changed()))}>
          <p class="remark-text">{comment.text}</p>
          <FormError error={error} />
        </Confirm>
      )}
    </li>
  );
}

async function proposals(signal: AbortSignal): Promise<string[]> {
  const found: string[] = [];
  for (let page = 1; page <= MOST_PAGES; page++) {
    const answer = await api.get<Page<Proposal>>("/proposals", { page }, signal);
    found.push(...answer.results.map((one) => one.soar_id));
    if (!answer.next) break;
  }
  return found;
}

export function Notes({ night, notes, others, tonight, changed }: {
  night: number; notes: Comment[]; others: Comment[]; tonight: string[]; changed: () => void;
}) {
  return (
    <section class="panel" aria-labelledby="notes-title">
      <h2 id="notes-title">Notes on the night</h2>
      {notes.length > 0 ? (
        <ul class="remarks">
          {notes.map((comment) => <Remark key={comment.id} comment={comment} changed={changed} />)}
        </ul>
      ) : (
        <p class="soft">Nobody has written one yet. Weather, seeing, what went wrong: it stays with the observing log.</p>
      )}
      {others.length > 0 && (
        <>
          <h3>On masters and other files</h3>
          <ul class="remarks">
            {others.map((comment) => <Remark key={comment.id} comment={comment} about changed={changed} />)}
          </ul>
        </>
      )}
      <NewNote night={night} tonight={tonight} changed={changed} />
    </section>
  );
}

function NewNote({ night, tonight, changed }: { night: number; tonight: string[]; changed: () => void }) {
  const staff = Boolean(user.value?.is_staff || user.value?.is_superuser);
  const mine = useResource("own proposals", proposals);
  const [text, setText] = useState("");
  const [wanted, setWanted] = useState<string | null>(null);
  const once = useRef(intention());
  const { busy, error, run } = useAction();
  const known = mine.data ?? [];
  // those of this night first: that is what one writes about
  const ids = [...new Set([...tonight.filter((id) => staff || known.includes(id)), ...known])];
  const chosen = wanted ?? (staff ? "" : (ids[0] ?? ""));
  const submit = async (event: Event) => {
    event.preventDefault();
    if (!text.trim()) return;
    const body = chosen ? { text, proposal: chosen } : { text };
    if (await run(() => api.post(`/nights/${night}/comments`, body, { once: once.current }))) {
      once.current = intention();
      setText("");
      changed();
    }
  };
  const none = !staff && mine.data && ids.length === 0;
  return (
    <form class="stack" onSubmit={(event) => void submit(event)}>
      <TextField label="New note" rows={2} maxLength={LONGEST} value={text} error={error instanceof Refused ? error.about("text") : undefined}
        change={(value) => { setText(value); once.current = intention(); }} />
      <div class="row">
        <Choice label="Who reads it" value={chosen} change={(id) => { setWanted(id); once.current = intention(); }}
          options={[...(staff ? [["", "Everybody"] as const] : []), ...ids.map((id) => [id, `The people of ${id}`] as const)]} />
        <Button type="submit" icon="plus" kind="main" busy={busy}
          reason={none ? "You have no proposal whose people could read it." : text.trim() ? null : "Write something first."}>
          Add note
        </Button>
      </div>
      <FormError error={error ?? mine.error} />
    </form>
  );
}

/** The comments on a frame and on what was made of it, and a new one. */
export function FrameComments({ frame, close, changed }: { frame: Frame; close: () => void; changed: () => void }) {
  const [text, setText] = useState("");
  const once = useRef(intention());
  const { busy, error, run } = useAction();
  const submit = async (event: Event) => {
    event.preventDefault();
    if (!text.trim()) return;
    if (await run(() => api.post(`/files/${frame.id}/comments`, { text }, { once: once.current }))) {
      once.current = intention();
      setText("");
      changed();
    }
  };
  return (
    <Dialog title={`Comments on ${frame.file_name ?? frame.id}`} close={close}>
      {frame.comments.length > 0 ? (
        <ul class="remarks">
          {frame.comments.map((comment) => <Remark key={comment.id} comment={comment} about={comment.file_id !== frame.id} changed={changed} />)}
        </ul>
      ) : (
        <p class="soft">Nobody has commented on this frame yet.</p>
      )}
      <form class="stack" onSubmit={(event) => void submit(event)}>
        <TextField label="New comment" rows={3} maxLength={LONGEST} value={text} autofocus help="Whoever sees the frame reads it."
          change={(value) => { setText(value); once.current = intention(); }} />
        <FormError error={error} />
        <div class="buttons">
          <Button type="submit" kind="main" icon="comment" busy={busy} reason={text.trim() ? null : "Write something first."}>Add comment</Button>
        </div>
      </form>
    </Dialog>
  );
}

export function CommentButton({ frame, open }: { frame: Frame; open: (frame: Frame) => void }) {
  const count = frame.comments.length;
  return count ? (
    <Button kind="quiet" icon="comment" aria-label={`${count} comments on ${frame.file_name}`} onClick={() => open(frame)}>{count}</Button>
  ) : (
    <IconButton kind="quiet" icon="comment" label={`Comment on ${frame.file_name}`} onClick={() => open(frame)} />
  );
}
