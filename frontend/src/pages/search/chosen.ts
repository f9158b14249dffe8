// Which files are selected, and what can be done with so many of them. Pure functions.

import type { FacetMenus, FileRecord } from "../../api/types";
import { bytes, plural, whole } from "../../core/format";
import { searching, selectionOf, type Wanted } from "./wanted";

/** What the service packs, lists and deletes at once at the most. */
export const MOST_PACKED = 1_000;
export const MOST_BYTES = 8 * 2 ** 30;
export const MOST_DELETED = 100;

/** Some files, wherever they were found, or all that a search matches. */
export type Chosen =
  | { kind: "files"; files: ReadonlyMap<number, FileRecord> }
  | { kind: "all"; query: string; count: number | null };

export const NONE: Chosen = { kind: "files", files: new Map() };

export const has = (chosen: Chosen, id: number): boolean => chosen.kind === "all" || chosen.files.has(id);

export const isNone = (chosen: Chosen): boolean => chosen.kind === "files" && chosen.files.size === 0;

/** The selection with some files put in or taken out; taking one out of "all" begins anew with those on the page. */
export function changed(chosen: Chosen, records: FileRecord[], on: boolean, page: FileRecord[]): Chosen {
  const files = new Map(chosen.kind === "files" ? chosen.files : page.map((one) => [one.id, one] as const));
  for (const record of records) {
    if (on) files.set(record.id, record);
    else files.delete(record.id);
  }
  return { kind: "files", files };
}

/**
 * All that match, by query. The service wants at least one parameter, so that nobody packs everything by mistake: a
 * search that narrows nothing names the first of its nights.
 */
export function everything(wanted: Wanted, menus: FacetMenus | undefined): Chosen {
  const query = selectionOf(wanted);
  if (!query.size && menus?.first_night) query.set("first_night", String(menus.first_night));
  return { kind: "all", query: query.toString(), count: searching(wanted) ? null : (menus?.count ?? null) };
}

/** The query and the body of a request about the selection. */
export function asked(chosen: Chosen): { query: string; body: { ids?: number[] } } {
  return chosen.kind === "all" ? { query: chosen.query, body: {} } : { query: "", body: { ids: [...chosen.files.keys()] } };
}

export function sizeOf(chosen: Chosen): number | null {
  if (chosen.kind === "all") return null;
  let sum = 0;
  for (const record of chosen.files.values()) sum += record.size ?? 0;
  return sum;
}

/** "12 files selected, 98.2 MB". */
export function words(chosen: Chosen): string {
  if (chosen.kind === "all") return chosen.count === null ? "All files that match are selected" : `All ${plural(chosen.count, "file")} that match are selected`;
  return `${plural(chosen.files.size, "file")} selected, ${bytes(sizeOf(chosen))}`;
}

/** Why these cannot be listed or packed, if they cannot. */
export function tooMany(chosen: Chosen): string | null {
  const count = chosen.kind === "all" ? chosen.count : chosen.files.size;
  if (count === 0 && chosen.kind === "files") return "Select files first.";
  if (count === 0) return "Nothing matches.";
  if (count !== null && count > MOST_PACKED) return `At most ${whole(MOST_PACKED)} files go together; these are ${whole(count)}. Narrow the search, or take a night at a time.`;
  return null;
}

export function tooLarge(chosen: Chosen): string | null {
  const size = sizeOf(chosen);
  if (size !== null && size > MOST_BYTES) return `An archive takes at most ${bytes(MOST_BYTES)}; these have ${bytes(size)}. Take fewer, or the script.`;
  return tooMany(chosen);
}

/** Which of the selected files can be deleted, and in words why the others cannot. */
export function deletable(chosen: Chosen, staff: boolean): { files: FileRecord[]; left: string[]; reason: string | null } {
  if (chosen.kind === "all") return { files: [], left: [], reason: "Files are deleted row by row: select them on the page." };
  const files: FileRecord[] = [];
  let [raw, masters] = [0, 0];
  for (const record of chosen.files.values()) {
    if (record.data_type === "0") raw += 1;
    else if (record.data_type === "1" && !staff) masters += 1;
    else files.push(record);
  }
  const left: string[] = [];
  if (raw) left.push(`${plural(raw, "raw file")} ${raw === 1 ? "stays" : "stay"}: raw files are never deleted.`);
  if (masters) left.push(`${plural(masters, "master")} ${masters === 1 ? "stays" : "stay"}: masters serve everybody, only staff delete them.`);
  const reason =
    chosen.files.size === 0 ? "Select files first." : files.length === 0 ? left.join(" ")
    : files.length > MOST_DELETED ? `At most ${MOST_DELETED} files are deleted at once; these are ${files.length}.` : null;
  return { files, left, reason };
}
