// What a search asks for: read from the address, written back to it, and sent to the service. Pure functions.

import type { FacetMenus } from "../../api/types";
import { dataType, nightName } from "../../core/format";
import type { Query } from "../../core/router";

export const FACETS = [
  ["obstype", "Observation type"],
  ["data_type", "Data type"],
  ["status", "Status"],
  ["grating", "Grating"],
  ["wavmode", "Wavelength mode"],
  ["filter", "Filter"],
  ["filter_2", "Filter 2"],
  ["slit", "Slit"],
  ["roi", "ROI"],
  ["technique", "Technique"],
] as const;
export type Facet = (typeof FACETS)[number][0];

/** In an address, a facet without a value; the service takes the empty text for it. */
const ABSENT = "~";
export const SIZES = [20, 50, 100, 200];
export const SHORTEST_TEXT = 2;
const LONGEST_TEXT = 80;

export interface Wanted {
  facets: Partial<Record<Facet, string[]>>;
  proposal: string;
  /** Nights, yyyymmdd, both included; "" is open. */
  first: string;
  last: string;
  text: string;
  oldest: boolean;
  page: number;
  size: number;
  /** Column the rows of the page are sorted by, "-" before it from high to low; "" as the service sends them. */
  sort: string;
  open: number | null;
}

const night = (given: string | null): string => {
  const digits = (given ?? "").replace(/-/g, "");
  return /^\d{8}$/.test(digits) ? digits : "";
};

const number = (given: string | null, otherwise: number): number => {
  const found = Number(given);
  return Number.isSafeInteger(found) && found >= 1 ? found : otherwise;
};

export function wantedOf(query: URLSearchParams): Wanted {
  const facets: Wanted["facets"] = {};
  for (const [facet] of FACETS) {
    const values = query.getAll(facet).map((value) => (value === ABSENT ? "" : value));
    if (values.length) facets[facet] = [...new Set(values)];
  }
  const only = night(query.get("night"));
  const size = number(query.get("page_size"), 20);
  const open = number(query.get("open"), 0);
  return {
    facets,
    proposal: query.get("proposal") ?? "",
    first: only || night(query.get("first_night")),
    last: only || night(query.get("last_night")),
    text: (query.get("search") ?? "").slice(0, LONGEST_TEXT),
    oldest: query.get("order") === "oldest",
    page: number(query.get("page"), 1),
    size: SIZES.includes(size) ? size : 20,
    sort: query.get("sort") ?? "",
    open: open || null,
  };
}

/** The parameters of the address: everything that differs from a bare search. */
export function addressOf(wanted: Wanted): Query {
  return {
    ...selectionAddress(wanted),
    order: wanted.oldest ? "oldest" : null,
    page: wanted.page > 1 ? wanted.page : null,
    page_size: wanted.size === 20 ? null : wanted.size,
    sort: wanted.sort,
    open: wanted.open,
  };
}

/** The part of the address that says which files, without pages and order: the data page reads the same names. */
export function selectionAddress(wanted: Wanted): Query {
  const query: Query = {};
  for (const [facet, values] of Object.entries(wanted.facets)) query[facet] = values.map((value) => value || ABSENT);
  const one = wanted.first && wanted.first === wanted.last;
  return {
    ...query,
    proposal: wanted.proposal,
    night: one ? wanted.first : null,
    first_night: one ? null : wanted.first,
    last_night: one ? null : wanted.last,
    search: wanted.text,
  };
}

export const searching = (wanted: Wanted): boolean => wanted.text.trim().length >= SHORTEST_TEXT;

/** What selects files, as the service is asked; `text` false leaves out what is searched for (facets are counted without). */
export function selectionOf(wanted: Wanted, { text = true } = {}): URLSearchParams {
  const query = new URLSearchParams();
  for (const [facet] of FACETS) for (const value of wanted.facets[facet] ?? []) query.append(facet, value);
  if (wanted.proposal) query.set("proposal", wanted.proposal);
  if (wanted.first) query.set("first_night", wanted.first);
  if (wanted.last) query.set("last_night", wanted.last);
  if (text && searching(wanted)) query.set("search", wanted.text.trim());
  return query;
}

/** The list a page of which is shown. A search has no pages: it goes on by cursor. */
export function listOf(wanted: Wanted): URLSearchParams {
  const query = selectionOf(wanted);
  query.set("page_size", String(wanted.size));
  if (wanted.oldest) query.set("order", "oldest");
  if (!searching(wanted) && wanted.page > 1) query.set("page", String(wanted.page));
  return query;
}

export const STATUS_WORDS: Record<string, string> = {
  done: "Done", provisional: "Provisional", waiting: "Waiting", queued: "Queued", running: "Running", failed: "Failed", rejected: "Rejected",
};

export function valueName(facet: Facet, value: string): string {
  if (value === "") return "None";
  if (facet === "data_type") return dataType(value);
  if (facet === "status") return STATUS_WORDS[value] ?? value;
  return value;
}

export interface Chip {
  key: string;
  label: string;
  /** The search without it. */
  without: Wanted;
}

/** One chip for everything that narrows the search. */
export function chips(wanted: Wanted): Chip[] {
  const found: Chip[] = [];
  const add = (key: string, label: string, change: Partial<Wanted>) =>
    found.push({ key, label, without: { ...wanted, ...change, page: 1, open: null } });
  if (wanted.text) add("text", `“${wanted.text}”`, { text: "" });
  if (wanted.proposal) add("proposal", wanted.proposal, { proposal: "" });
  if (wanted.first && wanted.first === wanted.last) add("night", `Night ${nightName(wanted.first)}`, { first: "", last: "" });
  else {
    if (wanted.first) add("first", `From ${nightName(wanted.first)}`, { first: "" });
    if (wanted.last) add("last", `Until ${nightName(wanted.last)}`, { last: "" });
  }
  for (const [facet, label] of FACETS) {
    for (const value of wanted.facets[facet] ?? []) {
      add(`${facet}=${value}`, `${label}: ${valueName(facet, value)}`, { facets: withValue(wanted.facets, facet, value, false) });
    }
  }
  return found;
}

export function withValue(facets: Wanted["facets"], facet: Facet, value: string, on: boolean): Wanted["facets"] {
  const others = (facets[facet] ?? []).filter((one) => one !== value);
  const values = on ? [...others, value] : others;
  const { [facet]: _, ...rest } = facets;
  return values.length ? { ...rest, [facet]: values } : rest;
}

/** The search with nothing that narrows it; order and size of the page stay. */
export const cleared = (wanted: Wanted): Wanted => ({
  ...wanted, facets: {}, proposal: "", first: "", last: "", text: "", page: 1, open: null,
});

/** A facet's values for its menu, the most frequent first; those that are selected are there even where nothing has them. */
export function menuOf(menus: FacetMenus | undefined, wanted: Wanted, facet: Facet): { value: string; count: number; on: boolean }[] {
  const counts = menus?.facets[facet] ?? {};
  const selected = wanted.facets[facet] ?? [];
  const values = [...new Set([...Object.keys(counts), ...selected])];
  const byKey = facet === "data_type";
  return values
    .map((value) => ({ value, count: counts[value] ?? 0, on: selected.includes(value) }))
    .filter((one) => one.count > 0 || one.on)
    .sort((a, b) => (byKey ? a.value.localeCompare(b.value) : b.count - a.count || a.value.localeCompare(b.value)));
}

export interface Relaxed {
  label: string;
  count: number | null;
  without: Wanted;
}

/** What to give up where nothing is found: each filter alone, with how many files there would be, the most promising first. */
export function relaxations(menus: FacetMenus | undefined, wanted: Wanted): Relaxed[] {
  const found: Relaxed[] = [];
  const base = { ...wanted, page: 1, open: null };
  if (wanted.text && (menus?.count ?? 1) > 0) {
    found.push({ label: `the text “${wanted.text}”`, count: menus?.count ?? null, without: { ...base, text: "" } });
  }
  for (const [facet, label] of FACETS) {
    if (!wanted.facets[facet]) continue;
    // A file has one value of each facet: together the menu's counts are the files without this filter.
    const count = Object.values(menus?.facets[facet] ?? {}).reduce((sum, one) => sum + one, 0);
    const { [facet]: _, ...facets } = wanted.facets;
    if (count > 0) found.push({ label: `the filter ${label.toLowerCase()}`, count, without: { ...base, facets } });
  }
  found.sort((a, b) => (b.count ?? 0) - (a.count ?? 0));
  if (wanted.first || wanted.last) found.push({ label: "the range of nights", count: null, without: { ...base, first: "", last: "" } });
  if (wanted.proposal) found.push({ label: `the proposal ${wanted.proposal}`, count: null, without: { ...base, proposal: "" } });
  return found;
}
