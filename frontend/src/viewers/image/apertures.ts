// Targets drawn on an image: where their trace and zones are, how a hand changes them, and what the API is asked for.

import type { Aperture, Overlay } from "../../api/types";

/** A target in pixels of the image: `rows` of its trace at `columns`, zones in rows from the trace. */
export interface Drawn {
  columns: number[];
  rows: number[];
  target: [number, number];
  sky: [number, number][];
}

/** Where an image lies on the detector: of its preview. */
export interface Where {
  corner: [number, number];
  binning: [number, number];
  origin: [number, number];
}

/** What a pointer holds: a trace, or an edge (0 lower, 1 upper) of a zone. */
export type Grip =
  | { target: number; part: "trace" }
  | { target: number; part: "target"; edge: 0 | 1 }
  | { target: number; part: "sky"; zone: number; edge: 0 | 1 };

/** The API's limits (domain/choices.py). */
export const MOST_TARGETS = 10;
export const MOST_ZONES = 8;
/** Zones where no target shows what is usual, in unbinned rows. */
const TARGET_HALF = 6, SKY: [number, number] = [18, 60];
const NARROWEST = 0.2;

export const drawnFrom = (overlay: Overlay): Drawn => ({
  columns: overlay.trace_columns,
  rows: overlay.trace,
  target: overlay.target,
  sky: overlay.sky,
});

/** Row of a target's trace at a column, both of the image. */
export function traceAt({ columns, rows }: Drawn, column: number): number {
  const last = columns.length - 1;
  let i = columns.findIndex((one) => one >= column);
  if (i < 0) i = last;
  const [a, b] = [columns[Math.max(0, i - 1)] ?? 0, columns[i] ?? 0];
  const [low, high] = [rows[Math.max(0, i - 1)] ?? 0, rows[i] ?? 0];
  return b > a ? low + ((high - low) * Math.min(1, Math.max(0, (column - a) / (b - a)))) : high;
}

export const middleColumn = ({ columns }: Drawn): number => columns[columns.length >> 1] ?? 0;

// The centre of a pixel that was binned by b lies at b i + (b - 1) / 2 unbinned ones: `Geometry` in science/frame.py.
const unbinned = (where: Where, axis: 0 | 1, pixel: number): number =>
  where.origin[axis] + where.binning[axis] * (pixel + where.corner[axis]) + (where.binning[axis] - 1) / 2;
export const detectorColumn = (where: Where, column: number): number => unbinned(where, 0, column);
export const detectorRow = (where: Where, row: number): number => unbinned(where, 1, row);

const rounded = (value: number): number => Math.round(value * 1000) / 1000;

/** What `POST /spectrum/extract` takes for a drawn target: a place on its trace, and zones, in unbinned pixels. */
export function toAperture(where: Where, drawn: Drawn): Aperture {
  const column = middleColumn(drawn);
  const zone = ([low, high]: [number, number]) => [rounded(low * where.binning[1]), rounded(high * where.binning[1])];
  return {
    column: rounded(detectorColumn(where, column)),
    row: rounded(detectorRow(where, traceAt(drawn, column))),
    target: zone(drawn.target),
    sky: drawn.sky.map(zone),
  };
}

/** Why these cannot be extracted; null if they can. `size` is that of the image. */
export function problem(targets: Drawn[], size: { height: number }): string | null {
  if (!targets.length) return "Put at least one target.";
  if (targets.length > MOST_TARGETS) return `At most ${MOST_TARGETS} targets are extracted at once.`;
  for (const [i, one] of targets.entries()) {
    const name = `Target ${i + 1}`;
    const row = traceAt(one, middleColumn(one));
    if (row < -0.5 || row > size.height - 0.5) return `${name} lies outside the image.`;
    if (!one.sky.length) return `${name} needs a zone of sky.`;
    if ([one.target, ...one.sky].some(([low, high]) => !(low < high))) return `${name}: a zone's lower edge must be below its upper edge.`;
  }
  return null;
}

const edges = (one: Drawn): { grip: { part: "target" } | { part: "sky"; zone: number }; zone: [number, number] }[] => [
  { grip: { part: "target" }, zone: one.target },
  ...one.sky.map((zone, i) => ({ grip: { part: "sky" as const, zone: i }, zone })),
];

/** The nearest thing to hold at a place of the image, within `reach` rows. */
export function gripAt(targets: Drawn[], column: number, row: number, reach: number): Grip | null {
  let best: Grip | null = null;
  let nearest = reach;
  targets.forEach((one, target) => {
    const trace = traceAt(one, column);
    for (const { grip, zone } of edges(one)) {
      zone.forEach((edge, i) => {
        const far = Math.abs(row - trace - edge);
        if (far < nearest) {
          nearest = far;
          best = { target, ...grip, edge: i as 0 | 1 };
        }
      });
    }
    const far = Math.abs(row - trace);
    if (far < nearest) {
      nearest = far;
      best = { target, part: "trace" };
    }
  });
  return best;
}

/** The row of the image where a grip is at a column. */
export function gripRow(targets: Drawn[], grip: Grip, column: number): number {
  const one = targets[grip.target];
  if (!one) return 0;
  const zone = grip.part === "target" ? one.target : grip.part === "sky" ? one.sky[grip.zone] : undefined;
  return traceAt(one, column) + (zone && grip.part !== "trace" ? zone[grip.edge] : 0);
}

/** A zone with one edge put elsewhere; the other stays, and is not crossed. */
function moved(zone: [number, number], edge: 0 | 1, to: number): [number, number] {
  return edge === 0 ? [Math.min(to, zone[1] - NARROWEST), zone[1]] : [zone[0], Math.max(to, zone[0] + NARROWEST)];
}

const replaced = <T,>(list: T[], at: number, change: (old: T) => T): T[] => list.map((one, i) => (i === at ? change(one) : one));

/** The targets with a grip put to a place of the image. */
export function dragged(targets: Drawn[], grip: Grip, column: number, row: number): Drawn[] {
  return replaced(targets, grip.target, (one) => {
    const off = row - traceAt(one, column);
    if (grip.part === "trace") return { ...one, rows: one.rows.map((y) => y + off) };
    if (grip.part === "target") return { ...one, target: moved(one.target, grip.edge, off) };
    return { ...one, sky: replaced(one.sky, grip.zone, (zone) => moved(zone, grip.edge, off)) };
  });
}

/** With an edge put to so many rows from the trace. */
export function edged(targets: Drawn[], grip: Grip, rows: number): Drawn[] {
  const one = targets[grip.target];
  if (!one) return targets;
  const column = middleColumn(one);
  return dragged(targets, grip, column, grip.part === "trace" ? rows : rows + traceAt(one, column));
}

/** With one more target through a place: shaped as the nearest one's trace, with its zones, or with usual ones. */
export function added(targets: Drawn[], column: number, row: number, where: Where & { width: number }): Drawn[] {
  const far = (one: Drawn) => Math.abs(traceAt(one, column) - row);
  const near = targets.reduce<Drawn | null>((best, one) => (!best || far(one) < far(best) ? one : best), null);
  const b = where.binning[1];
  const columns = near?.columns ?? [0, Math.floor((where.width - 1) / 2), where.width - 1];
  const off = near ? row - traceAt(near, column) : 0;
  return [
    ...targets,
    {
      columns,
      rows: near ? near.rows.map((y) => y + off) : columns.map(() => row),
      target: near ? [...near.target] : [-TARGET_HALF / b, TARGET_HALF / b],
      sky: near?.sky.length
        ? near.sky.map(([low, high]): [number, number] => [low, high])
        : [[-SKY[1] / b, -SKY[0] / b], [SKY[0] / b, SKY[1] / b]],
    },
  ];
}

export const withoutTarget = (targets: Drawn[], at: number): Drawn[] => targets.filter((_, i) => i !== at);

export const withoutSky = (targets: Drawn[], at: number, zone: number): Drawn[] =>
  replaced(targets, at, (one) => ({ ...one, sky: one.sky.filter((_, i) => i !== zone) }));

/** With one more zone of sky, beyond the highest. */
export const withSky = (targets: Drawn[], at: number, binning: number): Drawn[] =>
  replaced(targets, at, (one) => {
    const top = Math.max(one.target[1], ...one.sky.map(([, high]) => high));
    return { ...one, sky: [...one.sky, [top + 4 / binning, top + 24 / binning]] };
  });
