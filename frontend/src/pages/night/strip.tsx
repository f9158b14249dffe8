// A strip of the night: signal-to-noise, seeing, wavelength rms and the frames themselves, on one time axis in UT.

import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { fixed } from "../../core/format";
import { announcement, isFailed, isWarned, MEASURED, summary, type Frame } from "./frames";
import { nearest, timeAxis, valueAxis, type Axis } from "./scale";

/** The frame that is looked at, in the strip and in the table alike. */
export const lit = signal<number | null>(null);

/** Room for the numbers of the axes, which stay in sight where the strip is scrolled. */
const LEFT = 76;
const HEIGHT = 74;
const GAP = 22;
const NARROWEST = 560;
const LANE = 17;

const KINDS = [
  ["SPECTRUM", "circle"], ["ARC", "triangle"], ["LAMPFLAT", "diamond"], ["BIAS", "bar"], ["EXPOSE", "square"], ["FOCUS", "ring"],
] as const;
type Shape = (typeof KINDS)[number][1] | "cross";
const shapeOf = (obstype: string | null): Shape => KINDS.find(([name]) => name === obstype)?.[1] ?? "cross";

function Shape({ shape, x, y, class: name }: { shape: Shape; x: number; y: number; class?: string }) {
  const path = {
    circle: "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z",
    ring: "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0zM-2 0a2 2 0 1 1 4 0a2 2 0 1 1 -4 0z",
    triangle: "M0 -4.500 4.500 4H-4.500z",
    diamond: "M0 -5 4.500 0 0 5 -4.500 0z",
    square: "M-3.600 -3.600h7.200v7.200h-7.200z",
    bar: "M-1.300 -5h2.600v10h-2.600z",
    cross: "M-4 -1h3v-3h2v3h3v2h-3v3h-2v-3h-3z",
  }[shape];
  return <path d={path} transform={`translate(${x.toFixed(1)} ${y.toFixed(1)})`} class={name ?? "point"} fill-rule="evenodd" />;
}

const CROSS = "M-5 -5 5 5M-5 5 5 -5";
const WARNING = "M0 -6 6 5H-6z";

export function Strip({ frames, pick }: { frames: Frame[]; pick: (id: number) => void }) {
  const box = useRef<HTMLDivElement>(null);
  const [width, measure] = useState(900);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() => measure(Math.max(NARROWEST, Math.floor(element.clientWidth) - LEFT)));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const timed = useMemo(() => frames.filter((frame) => frame.time), [frames]);
  const moments = useMemo(() => timed.map((frame) => Date.parse(frame.time ?? "")), [timed]);
  const atEnd = useRef(true);
  useEffect(() => {
    if (box.current && atEnd.current) box.current.scrollLeft = box.current.scrollWidth; // the newest is at the right
  }, [timed.length, width]);
  if (!timed.length) return null;

  const time = timeAxis(moments, 0, width);
  const lanes = [...new Set(timed.map((frame) => frame.obstype ?? "OTHER"))];
  const tracks = MEASURED.length * (HEIGHT + GAP);
  const bottom = tracks + lanes.length * LANE + 4;
  const at = (index: number) => {
    const frame = timed[index];
    if (frame) lit.value = frame.id;
  };
  const point = (event: PointerEvent) => {
    const edges = event.currentTarget instanceof Element ? event.currentTarget.getBoundingClientRect() : null;
    if (edges) at(nearest(moments.map(time.at), event.clientX - edges.left));
  };
  const index = timed.findIndex((frame) => frame.id === lit.value);
  const keys = (event: KeyboardEvent) => {
    const now = index < 0 ? timed.length - 1 : index;
    const next = { ArrowLeft: now - 1, ArrowDown: now - 1, ArrowRight: now + 1, ArrowUp: now + 1, Home: 0, End: timed.length - 1 }[event.key];
    if (event.key === "Enter" && index >= 0) return pick(timed[index]?.id ?? 0);
    if (next === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    at(Math.max(0, Math.min(timed.length - 1, next)));
  };
  const marked = timed[index];
  return (
    <div class="strip panel">
      <p class="hidden" id="strip-summary">{summary(frames)} The table below has all values.</p>
      <div class="strip-box" ref={box} onScroll={({ currentTarget: { scrollLeft, clientWidth, scrollWidth } }) => (atEnd.current = scrollLeft + clientWidth > scrollWidth - 8)}>
        <Gutter timed={timed} lanes={lanes} bottom={bottom} />
        <div class="strip-plot" role="slider" tabIndex={0} aria-label="Frames of the night, in order of time" aria-describedby="strip-summary"
          aria-valuemin={1} aria-valuemax={timed.length} aria-valuenow={(index < 0 ? timed.length - 1 : index) + 1}
          aria-valuetext={announcement((marked ?? timed.at(-1)) as Frame)} onKeyDown={keys} onPointerMove={point} onPointerDown={point}
          onClick={() => lit.value !== null && pick(lit.value)} onFocus={() => index < 0 && at(timed.length - 1)} style={{ width: `${width}px` }}>
          <svg width={width} height={bottom + 24} aria-hidden="true" focusable="false">
            <Drawn timed={timed} moments={moments} time={time} width={width} lanes={lanes} bottom={bottom} />
            {marked && <Cursor x={time.at(Date.parse(marked.time ?? ""))} bottom={bottom} />}
          </svg>
        </div>
      </div>
      <Readout frame={marked} />
      <Legend present={lanes} frames={timed} />
    </div>
  );
}

const axisOf = (timed: Frame[], field: (typeof MEASURED)[number][0], top: number): Axis | null => {
  const values = timed.flatMap((frame) => frame[field] ?? []);
  return values.length ? valueAxis(values, top + HEIGHT, top + 6) : null;
};
const topOf = (track: number): number => track * (HEIGHT + GAP) + GAP;
const laneY = (lane: number): number => MEASURED.length * (HEIGHT + GAP) + lane * LANE + LANE;

/** Numbers and names at the left. */
function Gutter({ timed, lanes, bottom }: { timed: Frame[]; lanes: string[]; bottom: number }) {
  return useMemo(
    () => (
      <svg class="strip-gutter" width={LEFT} height={bottom + 24} aria-hidden="true" focusable="false">
        {MEASURED.map(([field, name, unit], track) => {
          const axis = axisOf(timed, field, topOf(track));
          return (
            <g key={field}>
              <text class="track-name" x={LEFT + 4} y={topOf(track) - 5}>{name} {unit === "″" ? "(arcsec)" : unit ? "(Å)" : "per pixel"}</text>
              {axis?.ticks.map((tick) => (
                <text key={tick} class="tick-text" x={LEFT - 6} y={axis.at(tick) + 4} text-anchor="end">{tick}</text>
              ))}
            </g>
          );
        })}
        {lanes.map((lane, i) => <text key={lane} class="tick-text" x={LEFT - 6} y={laneY(i)} text-anchor="end">{lane.slice(0, 9)}</text>)}
        <text class="tick-text" x={LEFT - 6} y={bottom + 16} text-anchor="end">UT</text>
      </svg>
    ),
    [timed],
  );
}

interface DrawnProps { timed: Frame[]; moments: number[]; time: Axis; width: number; lanes: string[]; bottom: number }

/** Everything but the cursor: made again only when the night or the width changes, not with every move of the pointer. */
function Drawn({ timed, moments, time, width, lanes, bottom }: DrawnProps) {
  return useMemo(
    () => (
      <>
        {MEASURED.map(([field], track) => <rect key={field} class="frame" x={0.5} y={topOf(track)} width={width - 1} height={HEIGHT} />)}
        {time.ticks.map((tick) => (
          <g key={tick}>
            {MEASURED.map(([field], track) => <line key={field} class="grid" x1={time.at(tick)} x2={time.at(tick)} y1={topOf(track)} y2={topOf(track) + HEIGHT} />)}
            <line class="grid" x1={time.at(tick)} x2={time.at(tick)} y1={laneY(-1)} y2={bottom} />
            <text class="tick-text" x={time.at(tick)} y={bottom + 16} text-anchor={time.at(tick) < 20 ? "start" : time.at(tick) > width - 20 ? "end" : "middle"}>
              {new Date(tick).toISOString().slice(11, 16)}
            </text>
          </g>
        ))}
        {MEASURED.map(([field], track) => (
          <Track key={field} field={field} top={topOf(track)} width={width} timed={timed} moments={moments} time={time} />
        ))}
        {timed.map((frame, i) => {
          const [x, y] = [time.at(moments[i] ?? 0), laneY(lanes.indexOf(frame.obstype ?? "OTHER")) - 4];
          return (
            <g key={frame.id}>
              <Shape shape={shapeOf(frame.obstype)} x={x} y={y} />
              <Mark frame={frame} x={x} y={y} />
            </g>
          );
        })}
      </>
    ),
    [timed, width],
  );
}

function Mark({ frame, x, y }: { frame: Frame; x: number; y: number }) {
  const path = isFailed(frame) ? CROSS : isWarned(frame) ? WARNING : null;
  return path && <path d={path} transform={`translate(${x.toFixed(1)} ${y.toFixed(1)})`} class={isFailed(frame) ? "failed-mark" : "warned-mark"} />;
}

function Track({ field, top, width, timed, moments, time }: {
  field: (typeof MEASURED)[number][0]; top: number; width: number; timed: Frame[]; moments: number[]; time: Axis;
}) {
  const axis = axisOf(timed, field, top);
  if (!axis) return <text class="tick-text" x={width / 2} y={top + HEIGHT / 2 + 4} text-anchor="middle">nothing measured yet</text>;
  return (
    <g>
      {axis.ticks.map((tick) => <line key={tick} class="grid" x1={0} x2={width} y1={axis.at(tick)} y2={axis.at(tick)} />)}
      {timed.map((frame, i) => {
        const value = frame[field];
        if (value === null) return null;
        const [x, y] = [time.at(moments[i] ?? 0), axis.at(value)];
        return (
          <g key={frame.id}>
            <Shape shape={shapeOf(frame.obstype)} x={x} y={y} />
            <Mark frame={frame} x={x} y={y} />
          </g>
        );
      })}
    </g>
  );
}

const Cursor = ({ x, bottom }: { x: number; bottom: number }) => <line class="cursor" x1={x} x2={x} y1={GAP} y2={bottom} />;

function Readout({ frame }: { frame: Frame | undefined }) {
  if (!frame) return <p class="readout soft">Point at a frame, or step through them with the arrow keys.</p>;
  return (
    <p class="readout">
      <strong>{frame.time?.slice(11, 19)} UT</strong> <span class="mono">{frame.file_name}</span> {frame.obstype} {frame.object} · {frame.status}
      {" · "}S/N {fixed(frame.signal_to_noise, 1)} · seeing {fixed(frame.seeing, 2)}″ · rms {fixed(frame.wavelength_rms, 3)} Å
    </p>
  );
}

function Legend({ present, frames }: { present: string[]; frames: Frame[] }) {
  const entry = (key: string, drawing: ComponentChildren, word: string) => (
    <li key={key}>
      <svg width="16" height="16" viewBox="-8 -8 16 16" aria-hidden="true" focusable="false">{drawing}</svg>
      {word}
    </li>
  );
  return (
    <ul class="legend" aria-label="Legend of the strip">
      {present.map((name) => entry(name, <Shape shape={shapeOf(name)} x={0} y={0} />, name))}
      {frames.some(isWarned) && entry("provisional", <path d={WARNING} class="warned-mark" />, "provisional: better calibrations are awaited")}
      {frames.some(isFailed) && entry("failed", <path d={CROSS} class="failed-mark" />, "failed or rejected")}
    </ul>
  );
}
