// What a view shows of the API: loading, there, failed; read again when asked, the old answer staying until the new one is there.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { Event } from "../api/types";
import { onEvents } from "./live";

export interface Resource<T> {
  data: T | undefined;
  error: unknown;
  loading: boolean;
  /** Read again. */
  reload: () => void;
  /** Put what is known already in its place. */
  set: (data: T) => void;
}

/**
 * Read something whenever `key` changes; null reads nothing. The answer to an old key is never shown under a new one,
 * unless `keep` says that it may stay until the new one is there.
 */
export function useResource<T>(
  key: string | null,
  read: (signal: AbortSignal) => Promise<T>,
  { keep = false } = {},
): Resource<T> {
  const [state, change] = useState<{ key: string | null; data?: T; error?: unknown }>({ key: null });
  const [turn, again] = useState(0);
  const reader = useRef(read);
  reader.current = read;
  useEffect(() => {
    if (key === null) return;
    const control = new AbortController();
    reader.current(control.signal).then(
      (data) => control.signal.aborted || change({ key, data }),
      (error: unknown) =>
        control.signal.aborted ||
        change((old) => (old.key === key && old.data !== undefined ? { ...old, error } : { key, error })),
    );
    return () => control.abort();
  }, [key, turn]);
  const mine = state.key === key || keep;
  const data = mine ? state.data : undefined;
  const error = state.key === key ? state.error : undefined;
  return {
    data,
    error,
    loading: key !== null && state.key !== key,
    reload: useCallback(() => again((n) => n + 1), []),
    set: useCallback((given: T) => change({ key, data: given }), [key]),
  };
}

/** Call something when events come that concern a view; several within a moment become one call. */
export function useEvents(handle: (events: Event[]) => void): void {
  const handler = useRef(handle);
  handler.current = handle;
  useEffect(() => onEvents((events) => handler.current(events)), []);
}

/** The value as it was a moment ago: for search as one types. */
export function useSettled<T>(value: T, milliseconds = 250): T {
  const [settled, settle] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => settle(value), milliseconds);
    return () => clearTimeout(timer);
  }, [value, milliseconds]);
  return settled;
}

/** Whether something is being done, and what came of it: for buttons. */
export function useAction(): {
  busy: boolean;
  error: unknown;
  run: (work: () => Promise<unknown>) => Promise<boolean>;
  clear: () => void;
} {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const running = useRef(false);
  const run = useCallback(async (work: () => Promise<unknown>) => {
    if (running.current) return false;
    running.current = true;
    setBusy(true);
    setError(undefined);
    try {
      await work();
      return true;
    } catch (failure) {
      setError(failure);
      return false;
    } finally {
      running.current = false;
      setBusy(false);
    }
  }, []);
  return { busy, error, run, clear: useCallback(() => setError(undefined), []) };
}
