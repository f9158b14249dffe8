// The log in words: what came of it, and who did it.

import type { Event, Page } from "../../api/types";

/** Outcome as the API writes it, its word, and how it is marked. */
export const OUTCOMES: Record<string, [string, "" | "warn" | "bad" | "good"]> = {
  received: ["Received", ""],
  queued: ["Queued", ""],
  waiting: ["Waits", ""],
  provisional: ["Provisional", "warn"],
  done: ["Done", "good"],
  failed: ["Failed", "bad"],
  rejected: ["Rejected", "bad"],
  deleted: ["Deleted", "warn"],
  restored: ["Restored", ""],
  purged: ["Gone for good", "warn"],
  bad: ["Marked bad", "warn"],
  good: ["Mark taken away", ""],
  reclassified: ["Reclassified", "warn"],
  asked: ["Asked", ""],
  commented: ["Commented", ""],
  "comment edited": ["Comment edited", ""],
  "comment removed": ["Comment removed", ""],
};

export const outcomeWord = (outcome: string): string => OUTCOMES[outcome]?.[0] ?? outcome;
export const outcomeMark = (outcome: string): "" | "warn" | "bad" | "good" => OUTCOMES[outcome]?.[1] ?? "";

export const BLOCKS: Record<string, string> = {
  ingest: "Ingest: a frame comes in and is recognised",
  combine: "Combine: master biases and flats",
  reduce: "Reduce: trim, bias, flat, cosmic rays",
  extract: "Extract: find targets, trace, extract",
  wavelength: "Wavelength calibration",
  asked: "What somebody asked for",
  deadletter: "What failed every attempt",
  bulk: "Bulk work, such as reprocessing",
  pack: "Packing archives for download",
  user: "A person",
  plan: "Planning",
};

/** The first word of the block's description, for a line of the log. */
export const blockWord = (block: string): string => BLOCKS[block]?.split(":")[0] ?? block;

/** What an event says of itself; planning that found nothing left to do says nothing. */
export const saidBy = ({ sentence, block }: Pick<Event, "sentence" | "block">): string =>
  sentence || (block === "plan" ? "All that was due is done." : "–");

/** Those of `found` that are not known yet, in the order in which they came. */
export function unknown(found: readonly Event[], known: readonly Event[]): Event[] {
  const ids = new Set(known.map((one) => one.id));
  return found.filter((one) => !ids.has(one.id));
}

/** The cursor of the next page, which the API gives as a whole address. */
export function cursorOf(next: string | null): string | null {
  if (!next) return null;
  try {
    return new URL(next).searchParams.get("before");
  } catch {
    return null;
  }
}

/** Read pages until there are enough events: a page may be short although `next` goes on. */
export async function gather(
  read: (before: string | null) => Promise<Page<Event>>,
  wanted: number,
  before: string | null = null,
  most = 6,
): Promise<{ events: Event[]; cursor: string | null }> {
  const events: Event[] = [];
  let cursor = before;
  for (let turn = 0; turn < most; turn += 1) {
    const page = await read(cursor);
    events.push(...page.results);
    cursor = cursorOf(page.next);
    if (!cursor || events.length >= wanted) break;
  }
  return { events, cursor };
}
