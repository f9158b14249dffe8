// What stands in the browser's tab: the view's own name, or what the view says of itself, such as a file's name.

import { effect, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";

/** The name of the view; set by the frame of the page. */
export const viewTitle = signal("");
const own = signal("");

effect(() => {
  document.title = [own.value, viewTitle.value, "Goodman Live"].filter(Boolean).join(" · ");
});

/** As long as the view is there and has something to say, that comes first. */
export function useTitle(text: string | null | undefined): void {
  useEffect(() => {
    own.value = text ?? "";
    return () => {
      own.value = "";
    };
  }, [text]);
}
