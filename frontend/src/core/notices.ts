// Short news for the user, announced politely to screen readers. What went wrong stays until it is dismissed; the rest goes by itself.

import { signal } from "@preact/signals";
import { onEnd } from "./session";

export interface Notice {
  id: number;
  kind: "info" | "good" | "bad";
  text: string;
  /** A link or button that goes with it. */
  action?: { label: string; run: () => void };
}

export const notices = signal<Notice[]>([]);
let last = 0;
const SECONDS = 6;
/** What can be taken back stays longer. */
const SECONDS_TO_ACT = 20;
const MOST = 4;

export function tell(kind: Notice["kind"], text: string, action?: Notice["action"]): void {
  replace(0, kind, text, action);
}

/** Show a notice in the place of another one, and of one with the same words; its number. */
export function replace(instead: number, kind: Notice["kind"], text: string, action?: Notice["action"]): number {
  const id = ++last;
  const others = notices.value.filter((one) => one.text !== text && one.id !== instead);
  while (others.length >= MOST) others.splice(Math.max(0, others.findIndex((one) => one.kind !== "bad")), 1);
  notices.value = [...others, { id, kind, text, ...(action ? { action } : {}) }];
  if (kind !== "bad") setTimeout(() => dismiss(id), (action ? SECONDS_TO_ACT : SECONDS) * 1000);
  return id;
}

export function dismiss(id: number): void {
  notices.value = notices.value.filter((one) => one.id !== id);
}

onEnd(() => (notices.value = []));

/** The sentence of whatever went wrong. */
export function sentence(failure: unknown): string {
  return failure instanceof Error ? failure.message : String(failure);
}
