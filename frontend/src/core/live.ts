// The change feed: one poll for the whole page, with the ETag, that pauses in hidden tabs and backs off when nothing answers.

import { effect, signal } from "@preact/signals";
import { Refused, send, Unreachable } from "../api/client";
import type { Event, Feed } from "../api/types";
import { expired, token, user } from "./session";

/** Seconds between looks: while the night runs, and once nothing has happened for ten minutes. */
const PACE = 1.2;
const QUIET_PACE = 5;
const QUIET_AFTER = 600_000;
const LONGEST = 60;
const REMEMBERED = 20_000;

export type Connection = "live" | "paused" | "lost" | "starting";
export const connection = signal<Connection>("starting");
/** When the next attempt is made after a failure, for the sentence that says so. */
export const retryAt = signal(0);
/** The reader may stop the list from following. */
export const following = signal(true);

type Listener = (events: Event[]) => void;
const listeners = new Set<Listener>();

/** Be told what happened; returns how to stop. */
export function onEvents(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

let cursor: string | null = null;
let etag: string | null = null;
let seen = new Set<string>();
let failures = 0;
let lastNews = Date.now();
let timer: ReturnType<typeof setTimeout> | undefined;
let epoch = 0;
/** Something may have happened that was not heard of, whatever the state shows meanwhile. */
let missed = false;

function forget(): void {
  cursor = etag = null;
  seen = new Set();
  failures = 0;
  epoch += 1;
}

async function look(): Promise<void> {
  const mine = epoch;
  const first = cursor === null;
  let more = true;
  while (more) {
    const answer = await send("GET", "/events", {
      query: { after: cursor },
      headers: etag ? { "If-None-Match": etag } : {},
    });
    if (mine !== epoch || answer.status === 304) return;
    const feed = (await answer.json()) as Feed;
    if (mine !== epoch) return;
    etag = answer.headers.get("ETag");
    cursor = feed.cursor;
    more = feed.more;
    const news = feed.events.filter((event) => !seen.has(event.id));
    for (const event of news) seen.add(event.id);
    if (seen.size > REMEMBERED) seen = new Set([...seen].slice(-REMEMBERED / 2));
    if (news.length && !first) {
      lastNews = Date.now();
      for (const listener of [...listeners]) listener(news);
    }
  }
}

async function turn(): Promise<void> {
  clearTimeout(timer);
  if (!token.value) return;
  if (document.hidden) {
    connection.value = "paused";
    return;
  }
  const mine = epoch;
  try {
    await look();
    if (mine !== epoch) return;
    if (missed) for (const listener of [...listeners]) listener([]); // look at everything again
    missed = false;
    failures = 0;
    connection.value = "live";
    schedule(Date.now() - lastNews > QUIET_AFTER ? QUIET_PACE : PACE);
  } catch (failure) {
    if (mine !== epoch || !token.value) return;
    if (failure instanceof Refused && failure.status === 400) {
      forget(); // a cursor that has become too old
      missed = true;
    }
    failures += 1;
    if (failures > 1 || failure instanceof Unreachable) lose();
    const wait = failure instanceof Refused && failure.wait ? failure.wait : Math.min(LONGEST, PACE * 2 ** failures);
    schedule(wait * (0.8 + 0.4 * Math.random()));
  }
}

function lose(): void {
  connection.value = "lost";
  missed = true;
}

function schedule(seconds: number): void {
  clearTimeout(timer);
  retryAt.value = Date.now() + seconds * 1000;
  timer = setTimeout(() => void turn(), seconds * 1000);
}

/** Look now: after something the user did, or when they ask. */
export function lookNow(): void {
  lastNews = Date.now();
  void turn();
}

let owner: number | null = null;
effect(() => {
  const id = user.value?.id ?? null;
  if (id === owner) return;
  owner = id;
  forget();
  missed ||= expired.peek(); // views that stay below the sign-in grow old
  connection.value = "starting";
  if (id !== null) queueMicrotask(() => void turn());
  else clearTimeout(timer);
});
document.addEventListener("visibilitychange", () => !document.hidden && lookNow());
addEventListener("online", lookNow);
addEventListener("offline", () => token.value && lose());
