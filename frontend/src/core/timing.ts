// When something was first on the screen: the browser's own tools show it, and the benchmarks read it.

export function drawn(what: "spectrum-drawn" | "image-drawn" | "list-shown"): void {
  if (!performance.getEntriesByName(what).length) performance.mark(what);
}
