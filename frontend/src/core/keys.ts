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

const KEPT = "goodman-keys";
/** Whether keys of one letter or sign do anything; some people's keyboards and voices press them without meaning to. */
export const shortcuts = signal(localStorage.getItem(KEPT) !== "off");

export function setShortcuts(on: boolean): void {
  shortcuts.value = on;
  localStorage.setItem(KEPT, on ? "on" : "off");
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

/** Not the browser's own: Option is needed for brackets and the like on some keyboards, but not for letters. */
const plain = ({ ctrlKey, metaKey, altKey, key }: KeyboardEvent): boolean =>
  !ctrlKey && !metaKey && !(altKey && (key.length > 1 || /[\p{L}\d]/u.test(key)));

/** A region that scrolls wants the arrows itself. */
const scrolls = ({ key, target }: KeyboardEvent): boolean =>
  key.startsWith("Arrow") && target instanceof Element && target.matches("[role=region]");

addEventListener("keydown", (event) => {
  if (!plain(event) || event.defaultPrevented || writing(event.target) || scrolls(event)) return;
  if (!shortcuts.value && event.key !== "?" && event.key !== "Escape") return;
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
