// Who is signed in. The token lives in the tab's session storage only: another tab, or a closed one, has none.

import { computed, signal } from "@preact/signals";
import type { Profile } from "../api/types";

const KEY = "goodman-session";

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

export function begin(next: Kept): void {
  session.value = next;
  expired.value = false;
  sessionStorage.setItem(KEY, JSON.stringify(next));
}

/** What the user changed about themselves. */
export function renew(profile: Profile): void {
  if (session.value) begin({ token: session.value.token, user: profile });
}

export function end({ refused = false } = {}): void {
  session.value = null;
  expired.value = refused;
  sessionStorage.removeItem(KEY);
}
