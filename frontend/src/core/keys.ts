// The keyboard map: views say which keys do what; "?" lists them.

import { useEffect, useRef } from "preact/hooks";
import { signal } from "@preact/signals";

export interface Key {
  /** As KeyboardEvent.key has it: "j", "?", "ArrowRight". */
  key: string;
  help: string;
  run: () => void;
}

interface Layer {
  group: string;
  keys: () => Key[];
}

const layers = signal<Layer[]>([]);

export const groups = (): { group: string; keys: Key[] }[] =>
  layers.value.map((layer) => ({ group: layer.group, keys: layer.keys() }));

/** While the view is there, its keys work. The last view that wants a key gets it. */
export function useKeys(group: string, keys: Key[]): void {
  const current = useRef(keys);
  current.current = keys;
  useEffect(() => {
    const layer: Layer = { group, keys: () => current.current };
    layers.value = [...layers.value, layer];
    return () => {
      layers.value = layers.value.filter((one) => one !== layer);
    };
  }, [group]);
}

function writing(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.matches("input:not([type=checkbox],[type=radio],[type=range]), textarea, select"))
  );
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || writing(event.target)) return;
  if (document.querySelector("dialog[open]") && event.key !== "?") return;
  for (const layer of [...layers.value].reverse()) {
    const found = layer.keys().find((one) => one.key === event.key);
    if (found) {
      event.preventDefault();
      found.run();
      return;
    }
  }
});
