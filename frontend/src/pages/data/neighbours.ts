// From file to file along the list, which has the newest, of the highest number, first.

import { useRef } from "preact/hooks";

interface Numbered {
  id: number;
}

/** The file `by` rows on from the one that is shown, whether that is in the rows or not; undefined beyond their ends. */
export function neighbour<T extends Numbered>(rows: readonly T[], shown: number | null, by: number): T | undefined {
  const at = rows.findIndex((one) => one.id === shown);
  if (at >= 0) return rows[at + by];
  if (shown === null) return rows[0];
  return by > 0 ? rows.find((one) => one.id < shown) : [...rows].reverse().find((one) => one.id > shown);
}

/** The newest file of a list, if it came while another one was held open; `list` names the list, null: it is still read. */
export function useNews<T extends Numbered>(list: string | null, newest: T | undefined, shown: number | null, following: boolean): T | undefined {
  const seen = useRef({ list: "", id: 0 });
  if (list === null || !newest) return undefined;
  if (following || seen.current.list !== list || newest.id === shown) seen.current = { list, id: newest.id };
  return newest.id > seen.current.id ? newest : undefined;
}
