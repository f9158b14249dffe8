// The log: what went wrong and what people did, or everything. News waits above the list until the reader wants it.

import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "../api/client";
import type { Event, Page } from "../api/types";
import { useAction, useEvents, useSettled } from "../core/fetching";
import { amend, place } from "../core/router";
import { Button, Choice, Switch, TextField } from "../parts/controls";
import { Empty, Failed, FormError, Loading } from "../parts/states";
import { LogLine } from "./log/line";
import { gather, OUTCOMES, unknown } from "./log/words";

const PAGE = 50;
/** News is looked for at most so often, however much happens. */
const PAUSE = 4_000;

interface Shown {
  key: string;
  events: Event[];
  cursor: string | null;
}

export function LogsPage() {
  const { query } = place.value;
  const all = query.get("all") === "1";
  const night = query.get("night") ?? "";
  const outcome = query.get("outcome") ?? "";
  const search = useSettled(query.get("search") ?? "");
  const asked = { important: all ? null : 1, night, outcome, search, limit: PAGE };
  const key = JSON.stringify(asked);
  const [shown, show] = useState<Shown | null>(null);
  const [news, setNews] = useState<Event[]>([]);
  const [failure, setFailure] = useState<unknown>();
  const [turn, again] = useState(0);
  const older = useAction();
  const top = useRef<HTMLOListElement>(null);
  const mine = shown?.key === key ? shown : null;

  const read = (before: string | null, signal?: AbortSignal) => api.get<Page<Event>>("/logs", { ...asked, before }, signal);

  useEffect(() => {
    const control = new AbortController();
    setFailure(undefined);
    setNews([]);
    gather((before) => read(before, control.signal), 20).then(
      (found) => control.signal.aborted || show({ key, ...found }),
      (error: unknown) => control.signal.aborted || setFailure(error),
    );
    return () => control.abort();
  }, [key, turn]);

  // What happened is asked of the log itself: it knows which of the news the filters let through.
  const waiting = useRef<number>(0);
  const current = useRef({ key, mine });
  current.current = { key, mine };
  useEvents(() => {
    waiting.current ||= window.setTimeout(() => {
      waiting.current = 0;
      read(null).then(
        (page) => {
          const now = current.current;
          if (now.key === key && now.mine) setNews(unknown(page.results, now.mine.events));
        },
        () => undefined, // the connection's own sign says that it is lost
      );
    }, PAUSE);
  });
  useEffect(() => () => clearTimeout(waiting.current), []);

  const takeNews = () => {
    if (!mine) return;
    // A whole page of news may not reach down to what is shown: then the list is read anew.
    if (news.length >= PAGE) again((n) => n + 1);
    else show({ ...mine, events: [...news, ...mine.events] });
    setNews([]);
    top.current?.scrollIntoView({ block: "nearest" });
  };
  const more = () =>
    void older.run(async () => {
      if (!mine) return;
      const found = await gather((before) => read(before), 20, mine.cursor);
      show({ ...mine, events: [...mine.events, ...unknown(found.events, mine.events)], cursor: found.cursor });
    });
  return (
    <>
      <div class="headline">
        <h1>Logs</h1>
        <span class="space" />
        <Switch label="All, also what went as it should" on={all} change={(on) => amend({ all: on ? 1 : null }, { push: true })} />
      </div>
      <form class="row panel-row" role="search" onSubmit={(event) => event.preventDefault()}>
        <TextField label="Night" type="date" value={night} change={(value) => amend({ night: value })} />
        <Choice label="Outcome" value={outcome} change={(value) => amend({ outcome: value })}
          options={[["", "Any"], ...Object.entries(OUTCOMES).map(([name, [word]]) => [name, word] as [string, string])]} />
        <TextField label="Search" type="search" value={query.get("search") ?? ""} change={(value) => amend({ search: value })}
          placeholder="Sentence, file, block or person" />
      </form>
      <div class="news" role="status">
        {news.length > 0 && <Button kind="main" onClick={takeNews}>{`${news.length}${news.length >= PAGE ? " or more" : ""} new`}</Button>}
      </div>
      {failure ? (
        <Failed error={failure} retry={() => again((n) => n + 1)} />
      ) : !mine ? (
        <Loading what="Reading the log" />
      ) : mine.events.length === 0 && !mine.cursor ? (
        <Empty>
          {night || outcome || search
            ? "Nothing in the log is like that. Fewer filters show more."
            : all
              ? "Nothing has happened yet to files you may see."
              : "Nothing went wrong, and nobody did anything by hand. “All” shows what the pipeline did."}
        </Empty>
      ) : (
        <>
          <ol class="log panel" ref={top}>
            {mine.events.map((event) => <LogLine key={event.id} event={event} />)}
          </ol>
          <FormError error={older.error} />
          {mine.cursor ? (
            <div class="buttons">
              <Button onClick={more} busy={older.busy}>Older</Button>
            </div>
          ) : (
            <p class="soft">That is the beginning of the log.</p>
          )}
        </>
      )}
    </>
  );
}
