// Whoever leaves a form with changes that were not applied is asked first.

import { useEffect } from "preact/hooks";

const QUESTION = "There are changes that were not applied. Leave without them?";

export function useUnsaved(dirty: boolean): void {
  useEffect(() => {
    if (!dirty) return;
    const leaving = (event: BeforeUnloadEvent) => event.preventDefault();
    // Going to another view of the page is no unloading: links are asked about where they are clicked.
    const clicked = (event: MouseEvent) => {
      const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>('a[href^="#/"]') : null;
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey || link.target) return;
      if (!confirm(QUESTION)) {
        event.preventDefault();
        event.stopPropagation();
      }
    };
    addEventListener("beforeunload", leaving);
    document.addEventListener("click", clicked, true);
    return () => {
      removeEventListener("beforeunload", leaving);
      document.removeEventListener("click", clicked, true);
    };
  }, [dirty]);
}
