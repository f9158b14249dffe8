// Small plots in SVG: lines, points of several shapes, bands and rules, with axes. What a plot shows is also said in a
// sentence and in a table (`Figure`): the drawing itself is one picture to screen readers.

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { linePath, scaleOf, ticks, within, type Scale } from "./scale";

export type Tone = "main" | "second" | "third" | "zone" | "target" | "faint" | "mark";
export type Shape = "disc" | "cross" | "diamond";

export interface Series {
  kind: "line" | "points";
  tone: Tone;
  /** Named below the plot; without one it is not. */
  label?: string;
  x: ArrayLike<number>;
  y: ArrayLike<number>;
  /** Half the length of the error bars. */
  errors?: ArrayLike<number>;
  shape?: Shape;
  /** What is said of each point on hover. */
  told?: (index: number) => string;
}
export interface Band {
  axis: "x" | "y";
  low: number;
  high: number;
  tone: Tone;
  label?: string;
}
export interface Rule {
  axis: "x" | "y";
  at: number;
  tone: Tone;
  label?: string;
  dashed?: boolean;
}
export interface Axis {
  label: string;
  /** Limits; where they are missing the data decide. */
  low?: number;
  high?: number;
  /** Square root of what is above 0: faint lines of a lamp stay visible beside bright ones. */
  root?: boolean;
}

interface Props {
  /** What the picture is, for screen readers. */
  label: string;
  x: Axis;
  y: Axis;
  series: Series[];
  bands?: Band[];
  rules?: Rule[];
  height?: number;
}

const EDGE = { left: 62, right: 12, top: 10, bottom: 42 };

function limits(axis: Axis, name: "x" | "y", series: Series[], rules: Rule[]): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  const take = (value: number) => {
    if (!Number.isFinite(value)) return;
    if (value < low) low = value;
    if (value > high) high = value;
  };
  for (const one of series) {
    const values = one[name];
    for (let i = 0; i < values.length; i++) take(values[i] as number);
  }
  for (const rule of rules) if (rule.axis === name) take(rule.at);
  if (!(high >= low)) [low, high] = [0, 1];
  if (high === low) [low, high] = [low - 1, high + 1];
  const room = (high - low) * (name === "y" ? 0.08 : 0.03);
  return [axis.low ?? low - room, axis.high ?? high + room];
}

function useWidth(): [{ current: HTMLDivElement | null }, number] {
  const box = useRef<HTMLDivElement>(null);
  const [width, change] = useState(0);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const measure = () => change(Math.round(element.clientWidth));
    measure();
    const watch = new ResizeObserver(measure);
    watch.observe(element);
    return () => watch.disconnect();
  }, []);
  return [box, width];
}

function Mark({ shape, x, y }: { shape: Shape; x: number; y: number }) {
  if (shape === "disc") return <circle cx={x} cy={y} r={3.2} />;
  const d = shape === "cross" ? `M${x - 3.5} ${y - 3.5}l7 7m0-7l-7 7` : `M${x} ${y - 4.5}l4.5 4.5-4.5 4.5-4.5-4.5z`;
  return <path d={d} class={shape === "cross" ? "open" : ""} />;
}

function Points({ one, x, y }: { one: Series; x: Scale; y: Scale }) {
  const shown: ComponentChildren[] = [];
  for (let i = 0; i < one.x.length; i++) {
    const [at, value] = [one.x[i] as number, one.y[i] as number];
    if (!within(x, at) || !within(y, value)) continue;
    const [px, py] = [x.at(at), y.at(value)];
    const error = one.errors?.[i];
    shown.push(
      <g key={i}>
        {one.told && <title>{one.told(i)}</title>}
        {error !== undefined && Number.isFinite(error) && <path class="open" d={`M${px} ${y.at(value - error)}V${y.at(value + error)}`} />}
        <Mark shape={one.shape ?? "disc"} x={px} y={py} />
      </g>,
    );
  }
  return <g class={`points tone-${one.tone}`}>{shown}</g>;
}

function BandShown({ band, x, y }: { band: Band; x: Scale; y: Scale }) {
  const scale = band.axis === "x" ? x : y;
  const ends = [band.low, band.high].map((value) => scale.at(Math.max(scale.low, Math.min(scale.high, value))));
  const [from, to] = [Math.min(...ends), Math.max(...ends)];
  return band.axis === "x" ? (
    <rect class={`band tone-${band.tone}`} x={from} width={to - from} y={y.to} height={y.from - y.to} />
  ) : (
    <rect class={`band tone-${band.tone}`} y={from} height={to - from} x={x.from} width={x.to - x.from} />
  );
}

/** A plot as wide as its place. */
export function Chart({ label, x, y, series, bands = [], rules = [], height = 240 }: Props) {
  const [box, width] = useWidth();
  const clip = useId();
  const xs = scaleOf(limits(x, "x", series, rules), EDGE.left, Math.max(EDGE.left + 10, width - EDGE.right));
  const ys = scaleOf(limits(y, "y", series, rules), height - EDGE.bottom, EDGE.top, y.root);
  const xTicks = ticks(xs, Math.max(2, Math.floor((xs.to - xs.from) / 90)));
  const yTicks = ticks(ys, Math.max(2, Math.floor((ys.from - ys.to) / 32)));
  return (
    <div class="chart" ref={box}>
      {width > 0 && (
        <svg width={width} height={height} role="img" aria-label={label}>
          <clipPath id={clip}>
            <rect x={xs.from} y={ys.to} width={xs.to - xs.from} height={ys.from - ys.to} />
          </clipPath>
          <g class="grid">
            {xTicks.map((tick) => <path key={`x${tick.value}`} d={`M${xs.at(tick.value)} ${ys.from}V${ys.to}`} />)}
            {yTicks.map((tick) => <path key={`y${tick.value}`} d={`M${xs.from} ${ys.at(tick.value)}H${xs.to}`} />)}
          </g>
          <g clip-path={`url(#${clip})`}>
            {bands.map((band, i) => <BandShown key={i} band={band} x={xs} y={ys} />)}
            {rules.map((rule, i) => (
              <path key={i} class={`rule tone-${rule.tone}${rule.dashed ? " dashed" : ""}`}
                d={rule.axis === "x" ? `M${xs.at(rule.at)} ${ys.from}V${ys.to}` : `M${xs.from} ${ys.at(rule.at)}H${xs.to}`} />
            ))}
            {series.map((one, i) =>
              one.kind === "line" ? (
                <path key={i} class={`line tone-${one.tone}`} d={linePath(one.x, one.y, xs, ys)} />
              ) : (
                <Points key={i} one={one} x={xs} y={ys} />
              ),
            )}
          </g>
          <path class="frame" d={`M${xs.from} ${ys.to}V${ys.from}H${xs.to}`} />
          <g class="ticks">
            {xTicks.map((tick) => <text key={tick.value} x={xs.at(tick.value)} y={ys.from + 15} text-anchor="middle">{tick.text}</text>)}
            {yTicks.map((tick) => <text key={tick.value} x={xs.from - 6} y={ys.at(tick.value) + 4} text-anchor="end">{tick.text}</text>)}
            <text class="axis" x={(xs.from + xs.to) / 2} y={height - 8} text-anchor="middle">{x.label}</text>
            <text class="axis" text-anchor="middle" transform={`translate(13 ${(ys.from + ys.to) / 2}) rotate(-90)`}>{y.label}</text>
          </g>
        </svg>
      )}
      <Legend series={series} bands={bands} rules={rules} />
    </div>
  );
}

function Legend({ series, bands, rules }: { series: Series[]; bands: Band[]; rules: Rule[] }) {
  const named = new Map<string, ComponentChildren>();
  for (const one of series) {
    if (!one.label) continue;
    named.set(one.label, (
      <g class={`${one.kind === "line" ? "line" : "points"} tone-${one.tone}`}>
        {one.kind === "line" ? <path d="M1 7H21" /> : <Mark shape={one.shape ?? "disc"} x={11} y={7} />}
      </g>
    ));
  }
  for (const rule of rules) if (rule.label) named.set(rule.label, <path class={`rule tone-${rule.tone}${rule.dashed ? " dashed" : ""}`} d="M1 7H21" />);
  for (const band of bands) if (band.label) named.set(band.label, <rect class={`band tone-${band.tone}`} x={1} y={1} width={20} height={12} />);
  if (!named.size) return null;
  return (
    <ul class="chart-legend" aria-label="What the marks are">
      {[...named].map(([label, mark]) => (
        <li key={label}>
          <svg width={22} height={14} aria-hidden="true">{mark}</svg> {label}
        </li>
      ))}
    </ul>
  );
}

export interface Grid {
  /** Heads of the columns; those of numbers are set to the right. */
  head: string[];
  numbers?: number[];
  rows: (string | number)[][];
}

/** A plot with its name, what it says in a sentence, and its numbers as a table behind a disclosure. */
export function Figure({ title, summary, table, children }: {
  title: string; summary: string; table: () => Grid; children: ComponentChildren;
}) {
  return (
    <figure class="chart-figure">
      <h3>{title}</h3>
      {children}
      <figcaption>{summary}</figcaption>
      <Disclosure title={`${title}: the numbers`}>{() => <NumberTable label={title} {...table()} />}</Disclosure>
    </figure>
  );
}

/** What is made only when somebody opens it. */
export function Disclosure({ title, children }: { title: string; children: () => ComponentChildren }) {
  const [open, setOpen] = useState(false);
  return (
    <details class="disclosure" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{title}</summary>
      {open && children()}
    </details>
  );
}

export function NumberTable({ label, head, numbers = [], rows }: Grid & { label: string }) {
  return (
    <div class="table-box numbers" tabIndex={0} role="region" aria-label={`${label}, table`}>
      <table>
        <thead>
          <tr>{head.map((name, i) => <th key={name} scope="col" class={numbers.includes(i) ? "number" : undefined}>{name}</th>)}</tr>
        </thead>
        <tbody>
          {rows.map((row, n) => (
            <tr key={n}>{row.map((cell, i) => <td key={i} class={numbers.includes(i) ? "number" : undefined}>{cell}</td>)}</tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
