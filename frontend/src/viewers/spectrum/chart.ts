// The uPlot chart below a scene: axes, scales, cursor. What is drawn between the axes is paint.ts.

import uPlot from "uplot";
import { GUTTER } from "../link";
import { tickTexts, ticks } from "./numbers";
import { paintAbove, paintBelow, type Painter } from "./paint";
import { columnOf, fluxLabel, waveOf, xLabel } from "./scene";

const AXIS = { values: 44, label: GUTTER.left - 44 };
const every = (_: uPlot, splits: number[]) => splits;
const none = () => null;

/** Columns at which the x axis has its ticks: round wavelengths, or round columns. */
function xSplits(u: uPlot, { scene }: Painter, low: number, high: number): number[] {
  const most = Math.max(2, Math.floor(u.bbox.width / uPlot.pxRatio / 75));
  if (!scene.waves || scene.settings.axis === "column") return ticks(low, high, most);
  const [a, b] = [waveOf(scene, low), waveOf(scene, high)];
  return ticks(Math.min(a, b), Math.max(a, b), most).map((wave) => columnOf(scene, wave)).sort((one, other) => one - other);
}

function xTexts(u: uPlot, { scene }: Painter, splits: number[]): string[] {
  const words = (value: number) => String(Number(value.toPrecision(7)));
  const room = u.bbox.width / uPlot.pxRatio - 5; // a text at the edge would be cut
  return splits.map((column) =>
    u.valToPos(column, "x") > room ? "" : words(!scene.waves || scene.settings.axis === "column" ? column : waveOf(scene, column)),
  );
}

/** A chart in a box that has a size. It asks for the painter at every drawing, so a new scene needs a redraw only. */
export function makeChart(host: HTMLElement, painter: () => Painter, log: boolean): uPlot {
  const colour = (name: string) => () => painter().palette(name);
  const { font } = painter();
  const common = {
    stroke: colour("plot-axis"),
    font: `12px ${font}`,
    labelFont: `12px ${font}`,
    labelSize: AXIS.label,
    filter: every,
    grid: { stroke: colour("plot-grid"), width: 1, filter: every },
    ticks: { stroke: colour("plot-axis"), width: 1, size: 5, filter: every },
    border: { show: true, stroke: colour("plot-axis"), width: 1 },
    gap: 3,
  };
  const asGiven = (_: uPlot, low: number, high: number): [number, number] => [low, high];
  return new uPlot(
    {
      width: Math.max(host.clientWidth, 200),
      height: Math.max(host.clientHeight, 160),
      padding: [8, GUTTER.right, 0, 0],
      legend: { show: false },
      select: { show: true, left: 0, top: 0, width: 0, height: 0 },
      cursor: {
        y: false,
        drag: { x: false, y: false, setScale: false },
        points: { size: 7, width: 1.5, stroke: colour("flux"), fill: colour("plot-ground") },
        // gestures.ts listens itself: uPlot knows mice only.
        bind: { mousedown: none, mouseup: none, click: none, dblclick: none, mousemove: none, mouseleave: none, mouseenter: none },
      },
      scales: {
        x: { time: false, auto: false, range: asGiven },
        y: { auto: false, distr: log ? 3 : 1, range: asGiven },
        sky: { auto: false, range: asGiven },
      },
      series: [
        {},
        { scale: "y", stroke: colour("flux"), paths: none, points: { show: false } },
      ],
      axes: [
        {
          ...common, scale: "x", side: 2, size: 28,
          label: () => xLabel(painter().scene),
          splits: (u, _, low, high) => xSplits(u, painter(), low, high),
          values: (u, splits) => xTexts(u, painter(), splits),
        },
        {
          ...common, scale: "y", side: 3, size: AXIS.values,
          label: (u) => `${fluxLabel(painter().scene)} ${tickTexts(ySplits(u, log)).factor}`,
          splits: (u) => ySplits(u, log),
          values: (_, splits) => tickTexts(splits).texts,
        },
      ],
      hooks: {
        drawAxes: [(u) => paintBelow(u, painter(), uPlot.pxRatio)],
        draw: [(u) => paintAbove(u, painter(), uPlot.pxRatio)],
      },
    },
    [[0, 1], [null, null]],
    host,
  );
}

function ySplits(u: uPlot, log: boolean): number[] {
  const { min, max } = u.scales.y ?? {};
  return ticks(min ?? 0, max ?? 1, Math.max(2, Math.floor(u.bbox.height / uPlot.pxRatio / 42)), log);
}
