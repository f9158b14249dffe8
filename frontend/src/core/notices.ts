// Short news for the user, announced politely to screen readers, and kept until dismissed or out of date.

import { signal } from "@preact/signals";

export interface Notice {
  id: number;
  kind: "info" | "good" | "bad";
  text: string;
  /** A link or button that goes with it. */
  action?: { label: string; run: () => void };
}

export const notices = signal<Notice[]>([]);
let last = 0;
const SECONDS = { info: 6, good: 6, bad: 20 };
const MOST = 4;

export function tell(kind: Notice["kind"], text: string, action?: Notice["action"]): void {
  if (notices.value.some((one) => one.text === text)) return;
  const id = ++last;
  notices.value = [...notices.value, { id, kind, text, ...(action ? { action } : {}) }].slice(-MOST);
  setTimeout(() => dismiss(id), (action ? SECONDS.bad : SECONDS[kind]) * 1000); // what can be taken back stays longer
}

export function dismiss(id: number): void {
  notices.value = notices.value.filter((one) => one.id !== id);
}

/** The sentence of whatever went wrong. */
export function sentence(failure: unknown): string {
  return failure instanceof Error ? failure.message : String(failure);
}
