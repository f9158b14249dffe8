// Who is signed in. The token lives in the tab's session storage only: another tab, or a closed one, has none.

import { batch, computed, signal } from "@preact/signals";
import type { Profile } from "../api/types";

const KEY = "goodman-session";
/** The cache of previews on the disk (viewers/preview.ts, which need not be loaded to forget it). */
export const PREVIEWS = "goodman-previews-2";

interface Kept {
  token: string;
  user: Profile;
}

function kept(): Kept | null {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? "null") as Kept | null;
  } catch {
    return null;
  }
}

const session = signal<Kept | null>(kept());

export const token = computed(() => session.value?.token ?? null);
export const user = computed(() => session.value?.user ?? null);

/** True from the moment the service refused the token until somebody signs in. */
export const expired = signal(false);

/** Whose data this page may hold: of the one who is signed in, or whose session has expired. */
let owner = session.value?.user.id ?? null;
const forgetters = new Set<() => void>();

/** Called when what the page holds of somebody has to go: they signed out, or somebody else signed in after them. */
export function onEnd(forget: () => void): void {
  forgetters.add(forget);
}

function forgetAll(): void {
  for (const forget of forgetters) forget();
  // not there without https, and in some private windows
  if ("caches" in globalThis) void caches.delete(PREVIEWS).catch(() => undefined);
}

export function begin(next: Kept): void {
  if (owner !== null && owner !== next.user.id) forgetAll();
  owner = next.user.id;
  batch(() => {
    session.value = next;
    expired.value = false;
  });
  sessionStorage.setItem(KEY, JSON.stringify(next));
}

/** What the user changed about themselves. */
export function renew(profile: Profile): void {
  if (session.value) begin({ token: session.value.token, user: profile });
}

export function end({ refused = false } = {}): void {
  batch(() => {
    expired.value = refused;
    session.value = null;
  });
  sessionStorage.removeItem(KEY);
  if (refused) return;
  owner = null;
  forgetAll();
}
