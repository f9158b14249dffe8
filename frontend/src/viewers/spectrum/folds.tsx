// Parts of the viewer that unfold, and are fetched when they do.

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Failed, Loading } from "../../parts/states";

export type More = typeof import("./more");
let fetched: More | null = null;

export async function more(): Promise<More> {
  try {
    return (fetched ??= await import("./more"));
  } catch {
    throw new Error("This part of the page could not be fetched. Is the network up, or has the page been updated meanwhile?");
  }
}

/** What {@link more} fetches, once `wanted`; an Error where it cannot be had; null until then. */
export function useMore(wanted: boolean): [More | Error | null, () => void] {
  const [state, set] = useState<More | Error | null>(fetched);
  const [turn, again] = useState(0);
  useEffect(() => {
    if (wanted && (!state || state instanceof Error)) more().then(set, set);
  }, [wanted, turn]);
  return [state, () => again((n) => n + 1)];
}

export function Fold({ title, begin = false, children }: { title: string; begin?: boolean; children: (more: More) => ComponentChildren }) {
  const [open, setOpen] = useState(begin);
  const [found, retry] = useMore(open);
  return (
    <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{title}</summary>
      {open && (found instanceof Error ? <Failed error={found} retry={retry} /> : found ? children(found) : <Loading />)}
    </details>
  );
}
