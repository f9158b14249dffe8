// Records that have been read already: what the list showed is not fetched again a moment later.

import { api } from "../../api/client";
import type { FileRecord } from "../../api/types";
import { onEnd } from "../../core/session";

const FRESH = 20_000;
const MOST = 500;
const kept = new Map<number, { record: FileRecord; at: number }>();
onEnd(() => kept.clear());

export function remember(record: FileRecord): void {
  kept.delete(record.id);
  kept.set(record.id, { record, at: Date.now() });
  for (const old of [...kept.keys()].slice(0, Math.max(0, kept.size - MOST))) kept.delete(old);
}

/** Something happened to it: it is read anew the next time. */
export const forget = (id: number): boolean => kept.delete(id);

/** What is known of a file, however old. */
export const known = (id: number): FileRecord | undefined => kept.get(id)?.record;

export async function readRecord(id: number, signal?: AbortSignal): Promise<FileRecord> {
  const found = kept.get(id);
  if (found && Date.now() - found.at < FRESH) return found.record;
  const record = await api.get<FileRecord>(`/files/${id}`, {}, signal);
  remember(record);
  return record;
}
