// All files one may see: narrowed by facets and text, selected, downloaded as one. The address keeps the whole state.

import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "../../api/client";
import type { FacetMenus, FileRecord } from "../../api/types";
import { useEvents, useResource } from "../../core/fetching";
import { plural, whole } from "../../core/format";
import { lookNow } from "../../core/live";
import { amend, href, place } from "../../core/router";
import { Button, ButtonLink, Choice, Dialog, Pager, Switch } from "../../parts/controls";
import { Icon } from "../../parts/icons";
import { Failed, Loading } from "../../parts/states";
import { Actions, Undo } from "./actions";
import { changed, everything, has, isNone, NONE, tooMany, type Chosen } from "./chosen";
import { COLUMNS, keepColumns, keptColumns } from "./columns";
import { Filters, type Change } from "./facets";
import { useFound } from "./found";
import { Files } from "./table";
import {
  addressOf, chips, cleared, FACETS, listOf, relaxations, searching, selectionAddress, selectionOf, SIZES, wantedOf, type Wanted,
} from "./wanted";

/** Milliseconds between two looks for new files while the first page is shown. */
const NEWS_PACE = 4_000;

/** Everything a search may have in its address: what is not wanted any more has to be named to go. */
const NAMES = [...FACETS.map(([facet]) => facet), "proposal", "night", "first_night", "last_night", "search", "order", "page", "page_size", "sort", "open"];

export function SearchPage() {
  const wanted = wantedOf(place.value.query);
  const selection = selectionOf(wanted, { text: false }).toString();
  const menus = useResource(`facets ${selection}`, (signal) => api.get<FacetMenus>(`/files/facets?${selection}`, {}, signal), { keep: true });
  const list = useFound(wanted);
  const { found } = list;
  const [chosen, choose] = useState<Chosen>(NONE);
  const [gone, setGone] = useState<{ files: FileRecord[]; until: string } | null>(null);
  const [columns, setColumns] = useState(keptColumns);
  const [dialog, setDialog] = useState(false);
  const [filters, showFilters] = useState(false);
  const news = useNews(wanted, () => {
    list.reload();
    menus.reload();
  });

  const write = (next: Wanted, push: boolean) =>
    amend({ ...Object.fromEntries(NAMES.map((name) => [name, null])), ...addressOf(next) }, { push });
  const change: Change = (some, { push = false } = {}) => write({ ...wanted, page: 1, open: null, ...some }, push);
  const question = selectionOf(wanted).toString();
  useEffect(() => choose((old) => (old.kind === "all" ? NONE : old)), [question]);

  const count = found?.count ?? null;
  const pages = count === null ? 1 : Math.max(1, Math.ceil(count / wanted.size));
  const records = found?.records ?? [];
  const narrowing = chips(wanted);
  const refresh = () => {
    list.reload();
    menus.reload();
  };
  const first = chosen.kind === "files" ? [...chosen.files.keys()][0] : undefined;
  const details = first ?? wanted.open ?? records[0]?.id;

  return (
    <div class="search">
      <div class="headline">
        <h1>
          Data files <span class="count" aria-live="polite">{heading(found?.count, records.length, found?.more ?? false, list.stale)}</span>
        </h1>
        <span class="space" />
        {details && <ButtonLink icon="file" href={href("data", details, selectionAddress(wanted))}>View as details</ButtonLink>}
        <Button class="columns-switch" icon="table" onClick={() => setDialog(true)}>Columns</Button>
        <Button class="filter-switch" icon="list" aria-expanded={filters} aria-controls="filters" onClick={() => showFilters(!filters)}>
          {`Filters${narrowing.length ? ` (${narrowing.length})` : ""}`}
        </Button>
      </div>
      <div class="search-columns">
        <aside id="filters" aria-label="Filters" class={filters ? "shown" : ""}>
          <Filters wanted={wanted} menus={menus.data} change={change} />
          {menus.error ? <Failed error={menus.error} retry={menus.reload} /> : null}
        </aside>
        <div class="results">
          {narrowing.length > 0 && (
            <ul class="search-chips" aria-label="What narrows the search">
              {narrowing.map((chip) => (
                <li key={chip.key}>
                  <button type="button" class="search-chip" onClick={() => write(chip.without, true)}>
                    <span class="hidden">Remove </span>
                    {chip.label}
                    <Icon name="close" />
                  </button>
                </li>
              ))}
              <li><Button kind="quiet" onClick={() => write(cleared(wanted), true)}>Clear all</Button></li>
            </ul>
          )}
          {gone && <Undo files={gone.files} until={gone.until} dismiss={() => setGone(null)} restored={() => { setGone(null); refresh(); lookNow(); }} />}
          <Actions chosen={chosen} clear={() => choose(NONE)} deleted={(files, until) => {
            const ids = new Set(files.map((one) => one.id));
            choose((old) => (old.kind === "files" ? { kind: "files", files: new Map([...old.files].filter(([id]) => !ids.has(id))) } : old));
            list.drop(ids);
            setGone({ files, until });
            menus.reload();
            lookNow();
          }} />
          {news > 0 && (
            <p class="note" role="status">
              {plural(news, "file")} changed meanwhile. <Button kind="quiet" icon="retry" onClick={refresh}>Look again</Button>
            </p>
          )}
          {list.error && !found ? (
            <>
              <Failed error={list.error} retry={refresh} />
              {wanted.page > 1 && <Button icon="left" onClick={() => change({ page: 1 })}>To the first page</Button>}
            </>
          ) : !found ? (
            <Loading what="Looking for files" />
          ) : records.length === 0 && !list.busy ? (
            <Nothing wanted={wanted} menus={menus.data} more={found.more} further={list.further} write={(next) => write(next, true)} />
          ) : (
            <>
              <div class="toolbar">
                <Choice inline label="Order" value={wanted.oldest ? "oldest" : "newest"} options={[["newest", "Newest first"], ["oldest", "Oldest first"]]}
                  change={(order) => change({ oldest: order === "oldest", sort: "" }, { push: true })} />
                <Choice inline label="On a page" value={String(wanted.size)} options={SIZES.map((size) => [String(size), String(size)] as const)}
                  change={(size) => change({ size: Number(size) }, { push: true })} />
                {!searching(wanted) && <Pager label="Pages of files" page={wanted.page} pages={pages} go={(page) => change({ page }, { push: true })} />}
              </div>
              <p class="help toolbar-note">
                {wanted.sort ? <>Sorted within this page only; newest or oldest first is the order of all. <Button kind="quiet" onClick={() => write({ ...wanted, sort: "" }, false)}>As they come</Button></> : null}
                <SelectAll chosen={chosen} choose={choose} records={records} all={everything(wanted, menus.data)} />
              </p>
              {wanted.open && !list.busy && !records.some((one) => one.id === wanted.open) && (
                <p class="note">
                  The file you came from is not on this page. <a href={href("data", wanted.open, selectionAddress(wanted))}>Back to it</a>
                </p>
              )}
              {list.error ? <Failed error={list.error} retry={refresh} /> : null}
              <Files records={records} columns={columns} wanted={wanted} chosen={chosen} stale={list.stale}
                choose={(some, on) => choose((old) => changed(old, some, on, records))}
                sort={(sort) => write({ ...wanted, sort }, false)} order={(oldest) => change({ oldest }, { push: true })} />
              {searching(wanted) ? (
                <p class="buttons">
                  <span role="status">{list.busy ? "Searching …" : found.more ? `${plural(records.length, "file")} found so far.` : `That is all: ${plural(records.length, "file")} found.`}</span>
                  {found.more && <Button icon="down" busy={list.busy} onClick={list.further}>More</Button>}
                </p>
              ) : (
                <Pager label="Pages of files, below the table" page={wanted.page} pages={pages} go={(page) => change({ page }, { push: true })} />
              )}
            </>
          )}
        </div>
      </div>
      {dialog && <Columns columns={columns} close={() => setDialog(false)} change={(next) => { keepColumns(next); setColumns(next); }} />}
    </div>
  );
}

function heading(count: number | null | undefined, records: number, more: boolean, stale: boolean): string {
  if (stale && count === undefined) return "…";
  return count === null ? `${whole(records)}${more ? " so far" : ""}` : whole(count);
}

/** New files come onto the first page by themselves; elsewhere they are counted, and nothing moves below the reader's eyes. */
function useNews(wanted: Wanted, look: () => void): number {
  const [news, count] = useState(new Set<number>());
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const key = listOf(wanted).toString();
  const still = wanted.page > 1 || wanted.oldest || searching(wanted);
  const now = useRef({ still, look });
  now.current = { still, look };
  useEffect(() => count(new Set()), [key]);
  useEffect(() => () => clearTimeout(timer.current), []);
  useEvents((events) => {
    const files = events.flatMap((event) => event.file_id ?? []);
    if (events.length && !files.length) return;
    if (now.current.still) return count((old) => new Set([...old, ...files]));
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      now.current.look();
    }, NEWS_PACE);
  });
  return still ? news.size : 0;
}

function SelectAll({ chosen, choose, records, all }: { chosen: Chosen; choose: (chosen: Chosen) => void; records: FileRecord[]; all: Chosen }) {
  if (chosen.kind === "all" || isNone(chosen) || !records.every((record) => has(chosen, record.id))) return null;
  const words = all.kind === "all" && all.count !== null ? `Select all ${whole(all.count)} that match` : "Select all that match";
  return <Button kind="quiet" icon="check" reason={tooMany(all)} onClick={() => choose(all)}>{words}</Button>;
}

function Nothing({ wanted, menus, more, further, write }: {
  wanted: Wanted; menus: FacetMenus | undefined; more: boolean; further: () => void; write: (next: Wanted) => void;
}) {
  const ways = relaxations(menus, wanted);
  const narrowed = chips(wanted).length > 0;
  return (
    <div class="state empty">
      {more ? (
        <>
          <p>Nothing found so far: this search has looked at the {wanted.oldest ? "oldest" : "newest"} nights.</p>
          <Button icon="search" onClick={further}>Search further</Button>
        </>
      ) : (
        <p>
          {ways.length
            ? "No file matches all of this. Without …"
            : narrowed
              ? "No file matches all of this, and giving up one filter alone does not help."
              : "There are no files yet. Frames of your proposals appear here as they arrive from the telescope."}
        </p>
      )}
      <div class="buttons">
        {ways.map((way) => (
          <Button key={way.label} icon="close" onClick={() => write(way.without)}>
            {way.count === null ? way.label : `${way.label}: ${plural(way.count, "file")}`}
          </Button>
        ))}
        {narrowed && !ways.length && <Button icon="close" onClick={() => write(cleared(wanted))}>Clear all filters</Button>}
      </div>
    </div>
  );
}

function Columns({ columns, change, close }: { columns: Set<string>; change: (columns: Set<string>) => void; close: () => void }) {
  const set = (id: string, on: boolean) => {
    const next = new Set(columns);
    if (on) next.add(id);
    else next.delete(id);
    change(next);
  };
  return (
    <Dialog title="Columns of the table" close={close}>
      <p class="soft">This browser remembers them.</p>
      <div class="column-choice">
        {COLUMNS.map((column) => (
          <Switch key={column.id} label={column.label} on={columns.has(column.id)} disabled={column.id === "file_name"} change={(on) => set(column.id, on)} />
        ))}
      </div>
      <footer>
        <Button onClick={() => change(new Set(COLUMNS.filter((one) => one.usual).map((one) => one.id)))}>The usual ones</Button>
        <Button kind="main" onClick={close}>Done</Button>
      </footer>
    </Dialog>
  );
}
