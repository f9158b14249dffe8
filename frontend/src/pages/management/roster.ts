// A semester's CSV: its template, and what came of several runs of it together.

import type { Imported } from "../../api/types";

export type Row = Imported["rows"][number];

export const TEMPLATE = [
  "soar_id,title,email,first_name,last_name,semester,abstract",
  'SOAR2027A-001,"Novae, in their first hour",ada@example.edu,Ada,Lovelace,2027A,"What is asked, and why with Goodman."',
  "",
].join("\r\n");

/** The API takes so many characters. */
export const LONGEST = 900_000;

export const ACTIONS: Record<Row["action"], [string, "" | "warn" | "bad" | "good"]> = {
  refused: ["Refused", "bad"],
  left: ["Still to do", "warn"],
  create: ["Created", "good"],
  unchanged: ["There already", ""],
};
/** In a dry run nothing has happened yet. */
export const wordOf = (action: Row["action"], dry: boolean): string => (dry && action === "create" ? "Would be created" : ACTIONS[action][0]);

const ORDER = Object.keys(ACTIONS);

/** What needs somebody comes first; within that the order of the file. */
export const sorted = (rows: readonly Row[]): Row[] =>
  [...rows].sort((a, b) => ORDER.indexOf(a.action) - ORDER.indexOf(b.action) || a.line - b.line);

/** Several runs of one roster as one: what an earlier run did is not told as "there already" by a later one. */
export function together(before: Imported | null, now: Imported): Imported {
  if (!before) return now;
  const earlier = new Map(before.rows.map((row) => [row.line, row]));
  const rows = now.rows.map((row) => {
    const then = earlier.get(row.line);
    return row.action === "unchanged" && then?.action === "create" ? then : row;
  });
  const count = (action: Row["action"]) => rows.filter((row) => row.action === action).length;
  return {
    ...now,
    rows,
    counts: {
      ...now.counts,
      create: count("create"),
      unchanged: count("unchanged"),
      refused: count("refused"),
      left: count("left"),
      new_users: rows.filter((row) => row.new_user).length,
      letters: rows.filter((row) => row.letter).length,
    },
  };
}
