// The plot in the page: follows its box, the theme, the scene and the link.

import { useSignalEffect } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { colour, shown } from "../../core/theme";
import type { Link } from "../link";
import { Chart } from "./chart";
import { listen, viewOf } from "./gestures";
import { LABEL_HEIGHT, LABEL_ROWS, type Painter } from "./paint";
import { fluxLimits, indexOf, type Scene, skyLimits } from "./scene";

export interface Drawn {
  chart: Chart;
  painter: Painter;
}

interface Props {
  scene: Scene;
  link: Link;
  setZ: (z: number) => void;
  label: string;
  describedBy: string;
  /** For the export of a picture. */
  drawn: RefObject<Drawn | null>;
}

export function Plot({ scene, link, setZ, label, describedBy, drawn }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const setRedshift = useRef(setZ);
  setRedshift.current = setZ;
  const { log } = scene.settings;
  const theme = shown.value;

  /** Limits, then one drawing. */
  const draw = (): void => {
    if (!drawn.current) return;
    const { chart, painter } = drawn.current;
    const { low, high } = viewOf(link, painter);
    const [bottom, top] = fluxLimits(painter.scene, low, high, painter.scene.marks.length ? (LABEL_ROWS * LABEL_HEIGHT) / Math.max(100, chart.over.clientHeight) : 0);
    const [skyBottom, skyTop] = skyLimits(painter.scene, low, high);
    Object.assign(chart.limits, { x: { min: low, max: high }, y: { min: bottom, max: top }, sky: { min: skyBottom, max: skyTop } });
    chart.redraw();
  };

  const point = (): void => {
    if (!drawn.current) return;
    const { chart, painter } = drawn.current;
    const column = link.cursor.value?.column ?? null;
    chart.point(column, column === null ? NaN : painter.scene.flux[indexOf(painter.scene, column)]);
  };

  useLayoutEffect(() => {
    const host = box.current;
    if (!host) return;
    const font = getComputedStyle(host).fontFamily;
    const painter: Painter = { scene, palette: colour, font };
    const chart = new Chart(host, () => painter, log);
    drawn.current = { chart, painter };
    const stop = listen(chart, link, () => painter, (z) => setRedshift.current(z));
    const sizes = new ResizeObserver(() => {
      chart.resize();
      point();
    });
    sizes.observe(host);
    return () => {
      sizes.disconnect();
      stop();
      chart.destroy();
      drawn.current = null;
    };
  }, [link, log]);

  useLayoutEffect(() => {
    if (!drawn.current) return;
    drawn.current.painter.scene = scene;
    draw();
    point();
  }, [scene, theme, link, log]);

  useSignalEffect(() => {
    void link.range.value;
    draw();
    point();
  });
  useSignalEffect(() => {
    void link.cursor.value;
    point();
  });
  useEffect(() => () => {
    if (link.cursor.peek()?.by === "spectrum") link.cursor.value = null;
  }, [link]);

  return <div class="spectrum-plot" ref={box} role="img" aria-label={label} aria-describedby={describedBy} />;
}

/** Whether a line is near a column, for the read-out: within so many pixels. */
export function lineAt({ chart, painter }: Drawn, column: number): string {
  const perPixel = (chart.limits.x.max - chart.limits.x.min) / Math.max(1, chart.over.clientWidth);
  const near = painter.scene.marks
    .filter((mark) => (mark.end === undefined ? Math.abs(mark.column - column) < 5 * perPixel : mark.column <= column && column <= mark.end))
    .map((mark) => mark.label);
  return [...new Set(near)].join(", ");
}

