// The files a search finds: a page with its exact count, or, with a text, what has been found so far.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { api, send } from "../../api/client";
import type { FileRecord, Page } from "../../api/types";
import { listOf, searching, type Wanted } from "./wanted";

export interface Found {
  records: FileRecord[];
  /** Null: not counted, as in a search for a text. */
  count: number | null;
  /** The search can go on. */
  more: boolean;
}

/** Requests one press makes at the most: each looks at a bounded number of files, and may find none. */
const MOST_TURNS = 8;

interface State {
  key: string;
  found?: Found & { next: string | null };
  error?: unknown;
  busy: boolean;
}

export function useFound(wanted: Wanted): {
  found: Found | undefined;
  /** What is shown belongs to an earlier question, and the answer to the present one is on its way. */
  stale: boolean;
  busy: boolean;
  error: unknown;
  reload: () => void;
  further: () => void;
  drop: (ids: Set<number>) => void;
} {
  const key = listOf(wanted).toString();
  const text = searching(wanted);
  const [state, change] = useState<State>({ key, busy: true });
  const [turn, again] = useState(0);
  const control = useRef(new AbortController());

  const read = useCallback(
    async (next: string | null, before: FileRecord[], enough: number) => {
      control.current.abort();
      const mine = (control.current = new AbortController());
      change((old) => ({ ...old, busy: true, error: undefined }));
      const records = [...before];
      try {
        for (let requests = 0; requests < MOST_TURNS; requests++) {
          const page: Page<FileRecord> = next
            ? ((await (await send("GET", next, { signal: mine.signal })).json()) as Page<FileRecord>)
            : await api.get<Page<FileRecord>>(`/files?${key}`, {}, mine.signal);
          if (mine.signal.aborted) return;
          records.push(...page.results);
          next = page.next;
          const going = text && next !== null && records.length < enough && requests + 1 < MOST_TURNS;
          change({ key, found: { records: [...records], count: page.count, more: text && next !== null, next }, busy: going });
          if (!going) return;
        }
      } catch (error) {
        if (!mine.signal.aborted) change((old) => (old.key === key ? { ...old, error, busy: false } : { key, error, busy: false }));
      }
    },
    [key],
  );

  useEffect(() => {
    void read(null, [], wanted.size);
    return () => control.current.abort();
  }, [key, turn]);

  return {
    found: state.found,
    stale: state.key !== key,
    busy: state.busy || state.key !== key,
    error: state.key === key ? state.error : undefined,
    reload: useCallback(() => again((n) => n + 1), []),
    further: () => state.found?.next && void read(state.found.next, state.found.records, state.found.records.length + wanted.size),
    drop: (ids) =>
      change((old) =>
        old.found
          ? { ...old, found: { ...old.found, records: old.found.records.filter((record) => !ids.has(record.id)), count: old.found.count === null ? null : old.found.count - ids.size } }
          : old,
      ),
  };
}
