// Somebody is in the middle of something that belongs to the file on the page: it must not be put away below their hands.

import { computed, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";

const holds = signal(0);

/** Whether the file that is shown has to stay. */
export const holding = computed(() => holds.value > 0);

/** While `on`, what is shown stays. */
export function useHold(on: boolean): void {
  useEffect(() => {
    if (!on) return;
    holds.value += 1;
    return () => {
      holds.value -= 1;
    };
  }, [on]);
}
