// The night as it happens: what came, how good it is, what failed, what people wrote. The newest frame follows unless paused.

import { useEffect, useRef, useState } from "preact/hooks";
import { api, send } from "../../api/client";
import type { FileRecord, ObservingLog, Page } from "../../api/types";
import { useAction, useEvents, useResource } from "../../core/fetching";
import { nightName, plural, whole } from "../../core/format";
import { useKeys } from "../../core/keys";
import { following } from "../../core/live";
import { sentence, tell } from "../../core/notices";
import { amend, go, href, place } from "../../core/router";
import { useTitle } from "../../core/title";
import { Button, ButtonLink, Choice, IconButton, Menu, Status } from "../../parts/controls";
import { useNarrow } from "../../parts/narrow";
import { nameOf, saveBlob } from "../../parts/save";
import { Empty, Failed, Loading } from "../../parts/states";
import { Failures } from "./failures";
import { announcement, changed, counts, shownOf, valuesOf, type Frame } from "./frames";
import { Log } from "./log";
import { useNights, type Neighbourhood } from "./nights";
import { FrameComments, Notes } from "./notes";
import { lit, Strip } from "./strip";

/** Milliseconds from a piece of news to the look at the log, and between two looks at the least. */
const SOON = 250;
const APART = 1_500;

const FORMS = [["csv", "Table (CSV)"], ["text", "Text, to read"], ["json", "Everything (JSON)"]] as const;

export function NightPage() {
  const given = place.value.parts[1]?.replace(/-/g, "") ?? "";
  const chosen = /^\d{8}$/.test(given) ? Number(given) : null;
  const nights = useNights(chosen);
  const night = chosen ?? nights.data?.newest ?? null;
  useEvents((events) => {
    const newest = nights.data?.newest ?? 0;
    if (!events.length || (following.value && events.some((event) => event.file_id && event.night > newest))) nights.reload();
  });
  if (given && chosen === null) {
    return (
      <>
        <h1>Night</h1>
        <Empty>“{given}” is no night. Nights are written like 20261109. <a href={href("night")}>To the newest</a></Empty>
      </>
    );
  }
  if (nights.error && !nights.data) return <Failed error={nights.error} retry={nights.reload} />;
  if (!nights.data) return <Loading what="Looking for the night" />;
  if (night === null) {
    return (
      <>
        <h1>Night</h1>
        <Empty>No night yet. The first frame of your proposals that arrives from the telescope begins one, and appears here by itself.</Empty>
      </>
    );
  }
  return <Night key={night} night={night} nights={nights.data} />;
}

function Night({ night, nights }: { night: number; nights: Neighbourhood }) {
  const log = useResource(`log ${night}`, (signal) => api.get<ObservingLog>(`/nights/${night}/log`, {}, signal));
  const failures = useResource(`failures ${night}`, (signal) =>
    api.get<Page<FileRecord>>("/files", { night, status: ["failed", "rejected"], page_size: 200 }, signal));
  const follow = following.value;
  const narrow = useNarrow();
  const [waiting, setWaiting] = useState<ReadonlySet<number>>(new Set());
  const [commented, comment] = useState<number | null>(null);
  const { query } = place.value;
  const shown = { obstype: query.get("obstype") ?? "", proposal: query.get("proposal") ?? "", newestFirst: query.get("order") !== "time" };
  const reload = useSparing(() => {
    log.reload();
    failures.reload();
  });
  useEvents((events) => {
    const mine = events.filter((event) => event.night === night);
    if (events.length && !mine.length) return;
    if (follow) reload();
    else setWaiting((old) => new Set([...old, ...mine.flatMap((event) => event.file_id ?? [])]));
  });
  const toggle = () => {
    following.value = !follow;
    if (follow) return;
    setWaiting(new Set());
    reload();
  };
  const order = () => amend({ order: shown.newestFirst ? "time" : null });
  useKeys("Night", [
    { key: "p", help: follow ? "pause: the page stays as it is" : "follow again", run: toggle },
    { key: "o", help: "newest first, or in order of time", run: order },
    { key: "[", help: "the night before", run: () => nights.older && go(href("night", nights.older)) },
    { key: "]", help: "the night after", run: () => nights.newer && go(href("night", nights.newer)) },
  ]);
  useTitle(nightName(night));
  useEffect(() => () => void (lit.value = null), []);

  const frames = log.data?.frames ?? NO_FRAMES;
  const fresh = useNewest(frames, log.data !== undefined);
  const lines = useStable(shownOf(frames, shown), [frames, shown.obstype, shown.proposal, shown.newestFirst]);
  const pick = (id: number) => {
    const row = document.querySelector<HTMLElement>(`[data-frame="${id}"]`);
    if (!row) return go(href("data", id, { night })); // not among the lines that are drawn
    row.scrollIntoView({ block: "center" });
    row.querySelector<HTMLElement>("a")?.focus({ preventScroll: true });
  };
  const about = frames.find((frame) => frame.id === commented);

  return (
    <>
      <div class="headline">
        <h1>Night {nightName(night)}</h1>
        <Picker night={night} nights={nights} />
        <span class="space" />
        <Button icon={follow ? "pause" : "play"} aria-pressed={follow} onClick={toggle}>{follow ? "Following" : `Paused${waiting.size ? `: ${waiting.size} new` : ""}`}</Button>
        {!narrow && <ButtonLink icon="table" href={href("search", { night })}>Files</ButtonLink>}
        <Export night={night} proposal={shown.proposal} narrow={narrow} none={frames.length === 0 && !log.data?.notes.length} />
      </div>
      {log.error && !log.data ? (
        <Failed error={log.error} retry={log.reload} />
      ) : !log.data ? (
        <Loading what="Reading the log" />
      ) : (
        <>
          <div class="night-counts">
            <strong>{plural(frames.length, "frame")}</strong>
            {counts(frames).map(({ status, count }) => (
              <span key={status} class="night-count"><Status status={status} /> {whole(count)}</span>
            ))}
            <span class="night-newest" role="status">{fresh && <>Newest: {announcement(fresh)}</>}</span>
          </div>
          {log.error ? <Failed error={log.error} retry={log.reload} /> : null}
          {!log.data.complete && <p class="note warn">This is not all: the night has more files or comments than one log holds. The search has every file.</p>}
          <Failures records={failures.data?.results ?? []} night={night} error={failures.error} changed={reload} />
          {frames.length === 0 ? (
            <Empty>No frame of this night may be seen by you{nights.newest === night ? " yet. They appear here by themselves." : "."}</Empty>
          ) : (
            <>
              <Strip frames={frames} pick={pick} />
              <section class="night-log" aria-labelledby="log-title">
                <div class="headline">
                  <h2 id="log-title">Observing log</h2>
                  <Choice inline label="Proposal" value={shown.proposal} change={(proposal) => amend({ proposal }, { push: true })}
                    options={[["", "All"], ...within(valuesOf(frames, "proposal_id"), shown.proposal)]} />
                  <Choice inline label="Obstype" value={shown.obstype} change={(obstype) => amend({ obstype }, { push: true })}
                    options={[["", "All"], ...within(valuesOf(frames, "obstype"), shown.obstype)]} />
                  <Choice inline label="Order" value={shown.newestFirst ? "newest" : "time"} change={order} options={[["newest", "Newest first"], ["time", "In order of time"]]} />
                </div>
                {lines.length ? <Log night={night} frames={lines} comment={(frame) => comment(frame.id)} /> : (
                  <Empty>
                    No frame of this night is like that. <Button kind="quiet" onClick={() => amend({ obstype: null, proposal: null }, { push: true })}>Show all</Button>
                  </Empty>
                )}
              </section>
            </>
          )}
          <Notes night={night} notes={log.data.notes} others={log.data.others} tonight={valuesOf(frames, "proposal_id")} changed={reload} />
        </>
      )}
      {about && <FrameComments frame={about} close={() => comment(null)} changed={log.reload} />}
    </>
  );
}

const NO_FRAMES: Frame[] = [];

/** What the frames have, and what the address asks for even if none has it. */
const within = (values: string[], chosen: string): (readonly [string, string])[] =>
  [...new Set(chosen ? [...values, chosen] : values)].map((value) => [value, value] as const);

/** The same list as long as what it is made of is the same: the table is drawn again only when there is reason to. */
function useStable<T>(made: T, of: unknown[]): T {
  const kept = useRef({ of, made });
  if (of.some((one, i) => one !== kept.current.of[i])) kept.current = { of, made };
  return kept.current.made;
}

/** Do something soon, several wishes at once, and not too often. */
function useSparing(work: () => void): () => void {
  const last = useRef(0);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const now = useRef(work);
  now.current = work;
  useEffect(() => () => clearTimeout(timer.current), []);
  return () => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      last.current = Date.now();
      now.current();
    }, Math.max(SOON, last.current + APART - Date.now()));
  };
}

/** The frame that came or changed last while one watches. */
function useNewest(frames: Frame[], there: boolean): Frame | undefined {
  const before = useRef<Frame[] | null>(null);
  const found = useRef<Frame | undefined>(undefined);
  if (there && before.current !== frames) {
    if (before.current) found.current = changed(before.current, frames) ?? found.current;
    before.current = frames;
  }
  return found.current;
}

function Picker({ night, nights }: { night: number; nights: Neighbourhood }) {
  const options = nights.nights.map((one) => [String(one.night), `${nightName(one.night)}: ${one.raw ? plural(one.raw, "frame") : "calibrations"}${one.failed ? `, ${whole(one.failed)} failed` : ""}`] as const);
  const known = options.some(([value]) => value === String(night));
  return (
    <div class="night-picker">
      <IconButton label="The night before" icon="left" kind="quiet" reason={nights.older ? null : "There is no earlier night"} onClick={() => nights.older && go(href("night", nights.older))} />
      <Choice inline label="Night" value={String(night)} change={(value) => go(href("night", value))}
        options={known ? options : [[String(night), `${nightName(night)}: no files`], ...options]} />
      <IconButton label="The night after" icon="right" kind="quiet" reason={nights.newer ? null : "This is the newest night"} onClick={() => nights.newer && go(href("night", nights.newer))} />
      {nights.newest !== night && <a href={href("night")}>Newest</a>}
    </div>
  );
}

/** The log as a file; on a narrow screen one menu has the way to the files as well. */
function Export({ night, proposal, none, narrow }: { night: number; proposal: string; none: boolean; narrow: boolean }) {
  const { busy, run } = useAction();
  const name = proposal ? `Export log of ${proposal}` : "Export log";
  const save = (format: string) =>
    run(async () => {
      const ending = format === "text" ? "txt" : format;
      try {
        const answer = await send("GET", `/nights/${night}/log`, { query: { format, proposal } });
        saveBlob(nameOf(answer, `observing-log-${night}.${ending}`), await answer.blob());
      } catch (failure) {
        tell("bad", `The log was not saved. ${sentence(failure)}`);
      }
    });
  const files = narrow && <ButtonLink icon="table" href={href("search", { night })}>Files</ButtonLink>;
  if (none) return files || <Button icon="download" reason="There is nothing in this log yet.">Export log</Button>;
  return (
    <Menu label={narrow ? "More" : name} {...(narrow ? {} : { icon: "download" as const })}>
      {files}
      {FORMS.map(([format, label]) => (
        <Button key={format} icon="file" busy={busy} onClick={() => void save(format)}>{narrow ? `${name}: ${label}` : label}</Button>
      ))}
    </Menu>
  );
}
