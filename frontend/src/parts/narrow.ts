// Whether the window is too narrow for a table, so that cards stand in its place.

import { useEffect, useState } from "preact/hooks";

export function useNarrow(pixels = 720): boolean {
  const [narrow, change] = useState(() => matchMedia(`(max-width: ${pixels}px)`).matches);
  useEffect(() => {
    const query = matchMedia(`(max-width: ${pixels}px)`);
    const look = () => change(query.matches);
    look();
    query.addEventListener("change", look);
    return () => query.removeEventListener("change", look);
  }, [pixels]);
  return narrow;
}
