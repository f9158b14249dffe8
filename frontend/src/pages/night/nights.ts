// The nights there are, around the one that is shown.

import { api } from "../../api/client";
import type { NightSummary, Page } from "../../api/types";
import { useResource, type Resource } from "../../core/fetching";

const PAGE_SIZE = 50;

export interface Neighbourhood {
  /** Nights for the menu, the newest first. */
  nights: NightSummary[];
  newest: number | null;
  older: number | null;
  newer: number | null;
}

/** The nights before and after one, of a list that begins with the newest. */
export function around(nights: NightSummary[], chosen: number | null): Neighbourhood {
  const numbers = nights.map((one) => one.night);
  const newest = numbers[0] ?? null;
  const at = chosen ?? newest;
  return {
    nights,
    newest,
    older: at === null ? null : (numbers.find((one) => one < at) ?? null),
    newer: at === null ? null : (numbers.findLast((one) => one > at) ?? null),
  };
}

async function read(chosen: number | null, signal: AbortSignal): Promise<Neighbourhood> {
  const recent = await api.get<Page<NightSummary>>("/nights", {}, signal);
  const known = around(recent.results, chosen);
  if (chosen === null || !recent.next || known.older !== null) return known;
  // A night further back than the first page: its own surroundings, whatever their number.
  const later = await api.get<Page<NightSummary>>("/nights", { first_night: chosen }, signal);
  const last = Math.max(1, Math.ceil((later.count ?? 0) / PAGE_SIZE));
  const [before, after] = await Promise.all([
    api.get<Page<NightSummary>>("/nights", { last_night: chosen }, signal),
    last > 1 ? api.get<Page<NightSummary>>("/nights", { first_night: chosen, page: last }, signal) : later,
  ]);
  const nights = [...new Map([...after.results, ...before.results].map((one) => [one.night, one])).values()];
  return { ...around(nights.sort((a, b) => b.night - a.night), chosen), newest: known.newest };
}

export const useNights = (chosen: number | null): Resource<Neighbourhood> =>
  useResource(`nights ${chosen ?? ""}`, (signal) => read(chosen, signal), { keep: true });
