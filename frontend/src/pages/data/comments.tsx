// What people wrote about a file: read, write, change, remove.

import { useEffect, useRef, useState } from "preact/hooks";
import { api, intention } from "../../api/client";
import type { Comment, Page } from "../../api/types";
import { useAction, useEvents, useResource } from "../../core/fetching";
import { plural, whole } from "../../core/format";
import { useHold } from "../../core/holding";
import { tell } from "../../core/notices";
import { onEnd } from "../../core/session";
import { Button, Confirm, Field, IconButton, Time } from "../../parts/controls";
import { Empty, Failed, FormError, Loading } from "../../parts/states";
import type { PanelProps } from "./panels";

const LONGEST = 2000;
/** From here on the letters that are left are told. */
const NEARLY = 1800;
const MOST_PAGES = 20;

/** What was begun and not sent, by file: it is still there when one comes back. */
const drafts = new Map<number, string>();
onEnd(() => drafts.clear());

async function all(id: number, signal: AbortSignal): Promise<Comment[]> {
  const found: Comment[] = [];
  for (let turn = 0, after = ""; turn < MOST_PAGES; turn += 1) {
    const page = await api.get<Page<Comment>>(`/files/${id}/comments`, { after }, signal);
    found.push(...page.results);
    after = page.results.at(-1)?.id ?? "";
    if (!page.next) break;
  }
  return found;
}

export function CommentsPanel({ record }: PanelProps) {
  const id = record.id;
  const comments = useResource(`comments-${id}`, (signal) => all(id, signal));
  useEvents((events) => {
    if (events.length === 0 || events.some((one) => one.file_id === id && one.outcome.startsWith("comment"))) comments.reload();
  });
  const list = comments.data;
  return (
    <section class="stack comments" aria-label="Comments">
      {comments.error && !list ? (
        <Failed error={comments.error} retry={comments.reload} />
      ) : !list ? (
        <Loading what="Reading the comments" />
      ) : list.length === 0 ? (
        <Empty>Nobody has written about this file yet. Whoever may see the file reads what is written here.</Empty>
      ) : (
        <>
          <p class="soft" role="status">{plural(list.length, "comment")}, oldest first</p>
          <ol class="comment-list">
            {list.map((one) => (
              <Shown key={one.id} comment={one} path={`/files/${id}/comments/${one.id}`}
                changed={(next) => comments.set(list.map((other) => (other.id === one.id ? next : other)))}
                removed={() => comments.set(list.filter((other) => other.id !== one.id))} />
            ))}
          </ol>
        </>
      )}
      <New id={id} written={(one) => list && comments.set([...list.filter((other) => other.id !== one.id), one])} />
    </section>
  );
}

function New({ id, written }: { id: number; written: (comment: Comment) => void }) {
  const [text, setText] = useState(drafts.get(id) ?? "");
  const action = useAction();
  const once = useRef("");
  const write = (next: string) => {
    setText(next);
    once.current = ""; // another text is another intention
    if (next) drafts.set(id, next);
    else drafts.delete(id);
  };
  const post = () =>
    action.run(async () => {
      once.current ||= intention();
      const made = await api.post<Comment>(`/files/${id}/comments`, { text }, { once: once.current });
      write("");
      written(made);
    });
  return <Writing label="New comment" text={text} change={write} send={post} sends="Comment" busy={action.busy} error={action.error} />;
}

function Writing({ label, text, change, send, sends, busy, error, cancel }: {
  label: string; text: string; change: (text: string) => void; send: () => Promise<unknown>; sends: string; busy: boolean; error: unknown;
  cancel?: () => void;
}) {
  const length = [...text].length;
  const reason = !text.trim() ? "Write something first." : length > LONGEST ? `At most ${whole(LONGEST)} characters.` : null;
  const left = LONGEST - length;
  const box = useRef<HTMLFormElement>(null);
  const [writing, setWriting] = useState(false);
  useHold(writing || text !== "");
  useEffect(() => {
    if (cancel) box.current?.querySelector("textarea")?.focus();
  }, []);
  const submit = (event: Event) => {
    event.preventDefault();
    if (!reason && !busy) void send();
  };
  return (
    <form class="stack" ref={box} onSubmit={submit}>
      <Field label={label} help="Plain text. Ctrl + Enter sends it."
        error={left < 0 ? `${plural(-left, "character")} too many.` : undefined}>
        {(attributes) => (
          <textarea {...attributes} rows={3} value={text} onInput={(event) => change(event.currentTarget.value)}
            onFocus={() => setWriting(true)} onBlur={() => setWriting(false)}
            onKeyDown={(event) => {
              if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit(event);
              if (event.key === "Escape") cancel?.();
            }} />
        )}
      </Field>
      <FormError error={error} />
      <div class="buttons">
        <Button type="submit" kind="main" icon="comment" busy={busy} reason={reason}>{sends}</Button>
        {cancel && <Button onClick={cancel}>Cancel</Button>}
        <span class="soft" role="status">{length >= NEARLY && left >= 0 ? `${plural(left, "character")} left` : ""}</span>
      </div>
    </form>
  );
}

function Shown({ comment, path, changed, removed }: {
  comment: Comment; path: string; changed: (next: Comment) => void; removed: () => void;
}) {
  const [text, setText] = useState<string | null>(null);
  const [removing, setRemoving] = useState(false);
  const action = useAction();
  const save = () =>
    action.run(async () => {
      changed(await api.patch<Comment>(path, { text }));
      setText(null);
    });
  const remove = async () => {
    const gone = await action.run(async () => {
      await api.remove(path);
      removed();
      tell("good", "The comment is removed.");
    });
    if (!gone) setRemoving(false);
  };
  return (
    <li class="comment">
      <p class="by">
        <strong>{comment.author}</strong> <Time at={comment.time} full />
        {comment.edited && (
          <span class="soft">
            edited{comment.edited_by && comment.edited_by !== comment.author ? ` by ${comment.edited_by}` : ""} <Time at={comment.edited} full />
          </span>
        )}
        {comment.yours && text === null && (
          <span class="buttons">
            <Button kind="quiet" aria-label={`Edit the comment of ${comment.author}`} onClick={() => setText(comment.text)}>Edit</Button>
            <IconButton kind="quiet" icon="trash" label={`Remove the comment of ${comment.author}`} onClick={() => setRemoving(true)} />
          </span>
        )}
      </p>
      {text === null ? (
        <>
          <p class="comment-text">{comment.text}</p>
          <FormError error={action.error} />
        </>
      ) : (
        <Writing label="Your comment" text={text} change={setText} send={save} sends="Save" busy={action.busy} error={action.error}
          cancel={() => { setText(null); action.clear(); }} />
      )}
      {removing && (
        <Confirm title="Remove this comment?" yes="Remove" danger busy={action.busy} run={() => void remove()} close={() => setRemoving(false)}>
          <p class="comment-text">{comment.text.length > 300 ? `${comment.text.slice(0, 300)} …` : comment.text}</p>
          <p class="soft">It is gone for good.</p>
        </Confirm>
      )}
    </li>
  );
}
