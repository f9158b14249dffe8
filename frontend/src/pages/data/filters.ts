// Which files the list shows: read from the address, written back to it, and asked of the service. Pure functions.

import type { Query } from "../../core/router";
import { MASTER, RAW } from "./family";

export interface Filters {
  list: "observed" | "calibrations";
  page: number;
  search: string;
  obstype: string;
  proposal: string;
  /** What the search page selected besides, as it came: parameters of the API. */
  more: Record<string, string[]>;
}

const MORE = ["filter", "filter_2", "grating", "wavmode", "slit", "roi", "technique", "status", "night", "first_night", "last_night"];
/** A facet that has no value, in the address here as on the search page; the service takes the empty text for it. */
const ABSENT = "~";
/** What is said of a facet's value. */
export const valueWord = (value: string): string => (value === ABSENT ? "none" : value);
/** The service searches for texts of so many characters. */
export const LONGEST_TEXT = 80;
const SHORTEST_TEXT = 2;
/** What is searched for: a single letter is no search yet. */
export const sought = (text: string): string => (text.trim().length < SHORTEST_TEXT ? "" : text.trim());
export const TOO_SHORT = `Type at least ${SHORTEST_TEXT} letters.`;

export function filtersOf(query: URLSearchParams): Filters {
  const page = Number(query.get("page"));
  const masters = query.get("list") === "calibrations" || (!query.has("list") && query.get("data_type") === MASTER);
  const several = query.getAll("obstype").length > 1;
  return {
    list: masters ? "calibrations" : "observed",
    page: Number.isInteger(page) && page > 0 ? page : 1,
    search: (query.get("q") ?? query.get("search") ?? "").slice(0, LONGEST_TEXT),
    obstype: several ? "" : (query.get("obstype") ?? ""),
    proposal: query.get("proposal") ?? "",
    more: Object.fromEntries(
      [...MORE, ...(several ? ["obstype"] : [])]
        .map((name) => [name, query.getAll(name)] as const)
        .filter(([, values]) => values.length > 0),
    ),
  };
}

/** The list's part of an address. */
export const inAddress = ({ list, page, search, obstype, proposal, more }: Filters): Query => ({
  ...more,
  list: list === "observed" ? null : list,
  page: page > 1 ? page : null,
  q: search,
  ...(obstype ? { obstype } : {}),
  proposal,
});

export const dataTypeOf = (filters: Filters): string => (filters.list === "observed" ? RAW : MASTER);

/** The same selection as the search page names it. */
export const selectionOf = (filters: Filters): Query => ({
  ...filters.more,
  data_type: dataTypeOf(filters),
  ...(filters.obstype ? { obstype: filters.obstype } : {}),
  proposal: filters.proposal,
});

/** A request for files of the selection. */
export function asked(path: string, filters: Filters, more: Record<string, string | number> = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...selectionOf(filters), ...more })) {
    for (const one of [value].flat()) if (one) query.append(name, one === ABSENT ? "" : String(one));
  }
  return `${path}?${query}`;
}
