// The list of files: a page with its exact count, or what a search has found so far, kept up to date by the change feed.

import { useRef } from "preact/hooks";
import { api, Refused } from "../../api/client";
import type { FacetMenus, FileRecord, Page, Proposal } from "../../api/types";
import { useAction, useEvents, useResource, useSettled, type Resource } from "../../core/fetching";
import { MASTER, RAW } from "./family";
import { asked, dataTypeOf, selectionOf, sought, type Filters } from "./filters";
import { remember } from "./records";

export const PAGE_SIZE = 20;
/** Requests made by themselves for one page of a search, each of which looks at a bounded number of files. */
const MOST_HOPS = 4;

interface Refreshing<T> extends Resource<T> {
  /** Read again, but never before the answer that is on its way is there: on a slow line none would ever arrive. */
  refresh: () => void;
}

export function useFresh<T>(key: string | null, read: (signal: AbortSignal) => Promise<T>): Refreshing<T> {
  const flying = useRef(0);
  const again = useRef(false);
  const resource = useResource(
    key,
    async (signal) => {
      flying.current += 1;
      try {
        return await read(signal);
      } finally {
        flying.current -= 1;
        if (again.current && flying.current === 0) {
          again.current = false;
          setTimeout(resource.reload);
        }
      }
    },
    { keep: true },
  );
  const refresh = (): void => {
    if (flying.current > 0) again.current = true;
    else resource.reload();
  };
  return { ...resource, refresh };
}

interface Found {
  count: number | null;
  next: string | null;
  results: FileRecord[];
}

async function readPage(filters: Filters, signal?: AbortSignal): Promise<Found> {
  const found = await api.get<Page<FileRecord>>(asked("/files", filters, { page: filters.page }), {}, signal);
  found.results.forEach(remember);
  return found;
}

async function search(first: string | null, filters: Filters, signal?: AbortSignal): Promise<Found> {
  let next = first;
  const results: FileRecord[] = [];
  for (let hop = 0; hop < MOST_HOPS; hop++) {
    const page = next
      ? await api.get<Page<FileRecord>>(next, {}, signal)
      : await api.get<Page<FileRecord>>(asked("/files", filters, { search: filters.search }), {}, signal);
    results.push(...page.results);
    next = page.next;
    if (!next || results.length >= PAGE_SIZE) break;
  }
  results.forEach(remember);
  return { count: null, next, results };
}

export interface Files {
  shown: Resource<Found>;
  /** Look further back, where a search has not seen everything. */
  more: ReturnType<typeof useAction> & { go: () => void };
  /** The newest file of the list, whichever page is shown. */
  newest: FileRecord | undefined;
  /** Names the list that the newest file is of; null while it is read. */
  list: string | null;
  /** What follows the last row, or comes before the first: the next page's or the page's before. */
  beyond: (by: number) => Promise<{ page: number; rows: FileRecord[] } | undefined>;
  counts: Partial<Record<Filters["list"], number>>;
  menus: FacetMenus | undefined;
}

export function useFiles(given: Filters): Files {
  const text = sought(useSettled(given.search));
  const filters = { ...given, search: text };
  const selection = selectionOf(filters);
  const key = JSON.stringify([selection, text, text ? 1 : filters.page]);
  const shown = useFresh(key, (signal) => (text ? search(null, filters, signal) : readPage(filters, signal)));
  const action = useAction();
  const later = filters.page > 1 || text !== ""; // the list does not begin with the newest frame, which may be followed
  const head = useFresh(later ? JSON.stringify(selection) : null, (signal) =>
    api.get<Page<FileRecord>>(asked("/files", filters, { page_size: 1 }), {}, signal),
  );
  const other = filters.list === "observed" ? "calibrations" : "observed";
  const otherCount = useFresh(other, (signal) =>
    api.get<Page<FileRecord>>("/files", { data_type: other === "observed" ? RAW : MASTER, page_size: 1 }, signal),
  );
  const menus = useResource(
    filters.list,
    (signal) => api.get<FacetMenus>("/files/facets", { data_type: dataTypeOf(filters) }, signal),
    { keep: true },
  );
  useEvents((events) => {
    const known = new Set(shown.data?.results.map((file) => file.id));
    const pools = events.some((event) => event.file_id === null);
    const files = events.some((event) => event.file_id !== null);
    const ours = events.some((event) => event.file_id !== null && known.has(event.file_id));
    const lengthened = (shown.data?.results.length ?? 0) > PAGE_SIZE; // somebody reads far down in what a search found
    const all = events.length === 0;
    if (all || ours || (filters.page === 1 && (filters.list === "observed" ? files : pools || files))) {
      if (!lengthened) shown.refresh();
    }
    if (later) head.refresh();
    if (all || (other === "calibrations" ? pools : files)) otherCount.refresh();
  });
  const found = shown.data;
  const further = async (): Promise<FileRecord[]> => {
    let rows: FileRecord[] = [];
    await action.run(async () => {
      if (!found?.next) return;
      const more = await search(found.next, filters);
      rows = more.results;
      shown.set({ ...more, results: [...found.results, ...rows] });
    });
    return rows;
  };
  const beyond = async (by: number): Promise<{ page: number; rows: FileRecord[] } | undefined> => {
    if (text) return by > 0 && found?.next ? { page: 1, rows: await further() } : undefined;
    const page = filters.page + by;
    if (page < 1 || (by > 0 && page > Math.ceil((found?.count ?? 0) / PAGE_SIZE))) return undefined;
    return { page, rows: (await readPage({ ...filters, page })).results };
  };
  return {
    shown,
    more: { ...action, go: () => void further() },
    newest: later ? head.data?.results[0] : found?.results[0],
    list: (later ? head : shown).loading ? null : JSON.stringify(selection),
    beyond,
    counts: {
      ...(found?.count != null ? { [filters.list]: found.count } : {}),
      ...(otherCount.data?.count != null && !otherCount.loading ? { [other]: otherCount.data.count } : {}),
    },
    menus: menus.data,
  };
}

/** Whether an answer says that the page asked for is beyond the last. */
export const isBeyond = (error: unknown): boolean => error instanceof Refused && error.status === 404;

/** The proposals to choose from; where there are more than a page, only the newest are offered. */
export function useProposals(): { names: string[]; all: boolean } {
  const found = useResource("proposals", (signal) => api.get<Page<Proposal>>("/proposals", {}, signal));
  return { names: found.data?.results.map((one) => one.soar_id) ?? [], all: found.data ? found.data.next === null : true };
}
