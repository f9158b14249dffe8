// Line icons of one weight, drawn here; they always stand beside a word or a label for screen readers.

const PATHS = {
  search: "M11 4a7 7 0 1 1 0 14 7 7 0 0 1 0-14m5 12 5 5",
  download: "M12 3v12m-5-5 5 5 5-5M4 20h16",
  trash: "M4 7h16M9 7V4h6v3m-9 0 1 13h10l1-13M10 11v5m4-5v5",
  close: "M5 5l14 14M19 5 5 19",
  check: "M4 12l5 6L20 6",
  warning: "M12 4 2.500 20h19zM12 10v4m0 3v.1",
  cog: "M12 8.500a3.500 3.500 0 1 0 0 7 3.500 3.500 0 0 0 0-7M12 2v3m0 14v3M2 12h3m14 0h3M5 5l2 2m10 10 2 2M5 19l2-2M17 7l2-2",
  people: "M9 4a4 4 0 1 1 0 8 4 4 0 0 1 0-8M2 20c0-4 3-6 7-6s7 2 7 6M18 8v6m-3-3h6",
  file: "M6 2h8l5 5v15H6zM14 2v5h5",
  table: "M3 5h18v14H3zM3 10h18M9 5v14",
  list: "M8 6h13M8 12h13M8 18h13M3 6h.1M3 12h.1M3 18h.1",
  left: "M15 5l-7 7 7 7",
  right: "M9 5l7 7-7 7",
  down: "M5 9l7 7 7-7",
  more: "M5 12h.1M12 12h.1M19 12h.1",
  play: "M7 4v16l13-8z",
  pause: "M8 4v16M16 4v16",
  retry: "M20 5v5h-5M19.500 10A8 8 0 1 0 20 14",
  moon: "M20 14A8.500 8.500 0 0 1 10 4a8.500 8.500 0 1 0 10 10",
  sun: "M12 8a4 4 0 1 1 0 8 4 4 0 0 1 0-8M12 2v2m0 16v2M2 12h2m16 0h2M5 5l1.500 1.500m11 11L19 19M5 19l1.500-1.500m11-11L19 5",
  zoomin: "M11 4a7 7 0 1 1 0 14 7 7 0 0 1 0-14m5 12 5 5M8 11h6M11 8v6",
  zoomout: "M11 4a7 7 0 1 1 0 14 7 7 0 0 1 0-14m5 12 5 5M8 11h6",
  reset: "M4 9V4h5M20 15v5h-5M4 4l6 6m10 10-6-6",
  comment: "M4 4h16v12H9l-5 4z",
  key: "M8 8a4 4 0 1 1 0 8 4 4 0 0 1 0-8m4 4h9m-3 0v4m-4-4v3",
  mail: "M3 5h18v14H3zM3 6l9 7 9-7",
  plus: "M12 4v16M4 12h16",
  undo: "M4 9h10a6 6 0 0 1 0 12H8M8 5 4 9l4 4",
  link: "M10 14a4 4 0 0 0 6 0l4-4a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-4 4a4 4 0 0 0 6 6l1-1",
  menu: "M4 6h16M4 12h16M4 18h16",
  external: "M14 4h6v6M20 4 10 14M18 14v6H4V6h6",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

/** The product's mark: a spectrum's line. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 20" aria-hidden="true" focusable="false">
      <path d="M1 15h5l2-4 2 4h3l2-14 2.500 14h3l1.500-6 1.500 6h7" />
    </svg>
  );
}
