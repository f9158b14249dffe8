// Whoever leaves a form with changes that were not applied is asked first, once.

import { useLayoutEffect } from "preact/hooks";

const QUESTION = "There are changes that were not applied. Leave without them?";

/** The forms that have such changes. */
const dirty = new Set<object>();

/** Whether one may go elsewhere. Who wants to leave is not asked again for the same changes. */
export function mayLeave(): boolean {
  if (dirty.size && !confirm(QUESTION)) return false;
  dirty.clear();
  return true;
}

export function useUnsaved(changed: boolean): void {
  // At once: what was applied a moment ago is not asked about.
  useLayoutEffect(() => {
    if (!changed) return;
    const form = {};
    dirty.add(form);
    return () => void dirty.delete(form);
  }, [changed]);
}

addEventListener("beforeunload", (event) => {
  if (dirty.size) event.preventDefault();
});
