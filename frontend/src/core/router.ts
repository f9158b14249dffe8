// Addresses are in the fragment ("#/data/2026110900001?tab=header"): the page is static, and what follows "#" is never sent.

import { signal } from "@preact/signals";
import { mayLeave } from "./unsaved";

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

/** The address that is shown, or that somebody was asked about already. */
let settled = location.hash;
const same = (one: Place, other: Place): boolean => one.parts.join("/") === other.parts.join("/");
const allowed = (hash: string): boolean => same(parse(hash), place.peek()) || mayLeave();

addEventListener("hashchange", () => {
  if (location.hash !== settled && !allowed(location.hash)) return history.pushState(null, "", settled); // back, or typed
  settled = location.hash;
  place.value = parse(settled);
});

// Links are asked about where they are clicked, before anything has changed.
addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>('a[href^="#/"]') : null;
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button || link.target) return;
  if (allowed(link.hash)) return;
  event.preventDefault();
  event.stopPropagation();
}, true);

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
  if (!allowed(address)) return;
  if (replace) history.replaceState(null, "", address);
  else location.hash = address;
  settled = location.hash;
  if (replace) place.value = parse(address);
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
