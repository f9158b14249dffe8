// Addresses are in the fragment ("#/data/2026110900001?tab=header"): the page is static, and what follows "#" is never sent.

import { signal } from "@preact/signals";

export interface Place {
  /** Decoded parts of the path: ["data", "2026110900001"]. */
  parts: string[];
  query: URLSearchParams;
}

export function parse(hash: string): Place {
  const [path = "", query = ""] = hash.replace(/^#/, "").split("?", 2);
  const parts = path.split("/").filter(Boolean).map(decoded);
  return { parts, query: new URLSearchParams(query) };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export const place = signal<Place>(parse(location.hash));

addEventListener("hashchange", () => {
  place.value = parse(location.hash);
});

export type Query = Record<string, string | number | boolean | null | undefined | readonly (string | number)[]>;

/** The address of a view: `href("data", 12, { tab: "header" })`. What is empty is left out. */
export function href(...given: (string | number | Query)[]): string {
  const parts: string[] = [];
  const query = new URLSearchParams();
  for (const one of given) {
    if (typeof one === "object") {
      for (const [name, value] of Object.entries(one)) {
        for (const item of Array.isArray(value) ? value : [value]) {
          if (item !== null && item !== undefined && item !== "" && item !== false) query.append(name, String(item));
        }
      }
    } else parts.push(encodeURIComponent(String(one)));
  }
  const text = query.toString();
  return `#/${parts.join("/")}${text && `?${text}`}`;
}

/** Go to an address; `replace` leaves no step in the browser's history. */
export function go(address: string, { replace = false } = {}): void {
  if (replace) {
    history.replaceState(null, "", address);
    place.value = parse(address);
  } else location.hash = address;
}

/** Change parameters of the present address; null removes one. No step back is made unless `push`. */
export function amend(changes: Query, { push = false } = {}): void {
  const { parts, query } = place.value;
  const next: Record<string, string[]> = {};
  for (const name of new Set(query.keys())) next[name] = query.getAll(name);
  const merged: Query = { ...next, ...changes };
  const address = href(...parts, merged);
  if (address !== location.hash) go(address, { replace: !push });
}
