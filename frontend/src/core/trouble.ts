// What fails in the newest night is told wherever one is: one notice for all of it, that counts until it is dismissed.

import { api } from "../api/client";
import type { Event, NightSummary, Page } from "../api/types";
import { told } from "./failed";
import { onEvents } from "./live";
import { notices, replace } from "./notices";
import { go, href } from "./router";
import { onEnd, token } from "./session";

/** Milliseconds in which several failures become one notice. */
const TOGETHER = 3_000;

let come: Event[] = [];
let shown: Event[] = [];
let notice = 0;
let timer: ReturnType<typeof setTimeout> | undefined;

onEnd(() => {
  clearTimeout(timer);
  timer = undefined;
  come = [];
});

async function flush(): Promise<void> {
  const mine = token.value;
  const nights = await api.get<Page<NightSummary>>("/nights").catch(() => null); // without it, all are told
  timer = undefined;
  if (mine !== token.value) return;
  const newest = nights?.results[0]?.night ?? 0;
  const fresh = come.filter((one) => one.night >= newest);
  come = [];
  if (!fresh.length) return;
  const standing = notices.value.some((one) => one.id === notice);
  // What somebody here asked for has told of its failure itself.
  if (!standing && fresh.every(({ sentence }) => sentence && notices.value.some(({ text }) => text.includes(sentence)))) return;
  shown = standing ? [...shown, ...fresh] : fresh;
  const what = told(shown);
  if (!what) return;
  const address = what.file ? href("data", what.file, { night: what.night }) : href("night", what.night);
  notice = replace(notice, "bad", what.text, { label: "Show", run: () => go(address) });
}

let watching = false;

/** From now on; once is enough. */
export function watchFailures(): void {
  if (watching) return;
  watching = true;
  onEvents((events) => {
    const failed = events.filter((one) => one.outcome === "failed" || one.outcome === "rejected");
    if (!failed.length) return;
    come.push(...failed);
    timer ??= setTimeout(() => void flush(), TOGETHER);
  });
}
