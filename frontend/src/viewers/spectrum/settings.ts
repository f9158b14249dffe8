// How a spectrum is shown, and its short form in the page's address.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { amend, place, type Query } from "../../core/router";
import type { Link } from "../link";
import type { Medium } from "./air";
import { LIST_IDS } from "./scene";

export const WIDTHS = [1, 3, 5, 9, 15] as const;
export const MOST_OVERLAYS = 4;
/** The lists that the key shows: those that were shown last, and these first. */
let lastLists = ["h", "gal"];

export interface Settings {
  smooth: number;
  z: number;
  lists: string[];
  medium: Medium;
  axis: "wavelength" | "column";
  flux: "optimal" | "box";
  step: boolean;
  band: boolean;
  sky: "off" | "same" | "own";
  log: boolean;
  /** Limits of the flux axis: percentiles, everything, or as typed. */
  y: "auto" | "all" | [number, number];
  overlays: number[];
  /** Overlays are scaled to the median of this spectrum. */
  match: boolean;
}

function pair(text: string | null): [number, number] | null {
  const [low, high, more] = (text ?? "").split(",").map((part) => (part.trim() === "" ? NaN : Number(part)));
  return more === undefined && Number.isFinite(low) && Number.isFinite(high) && (low as number) < (high as number) ? [low as number, high as number] : null;
}

/** What an address says; what it does not say, or says wrongly, is as usual. */
export function read(query: URLSearchParams): Settings {
  const is = (name: string, value: string) => query.get(name) === value;
  const width = Number(query.get("ssmooth"));
  const z = Number(query.get("sz"));
  const ids = (query.get("sover") ?? "").split(",").map(Number).filter((id) => Number.isSafeInteger(id) && id > 0);
  const sky = query.get("ssky");
  return {
    smooth: WIDTHS.find((one) => one === width) ?? 1,
    z: Number.isFinite(z) && z > -1 ? z : 0,
    lists: (query.get("slines") ?? "").split(",").filter((id) => LIST_IDS.includes(id)),
    medium: is("smedium", "vacuum") ? "vacuum" : "air",
    axis: is("saxis", "column") ? "column" : "wavelength",
    flux: is("sflux", "box") ? "box" : "optimal",
    step: !is("sstep", "0"),
    band: !is("sband", "0"),
    sky: sky === "same" || sky === "own" ? sky : "off",
    log: is("slog", "1"),
    y: pair(query.get("sy")) ?? (is("sy", "all") ? "all" : "auto"),
    overlays: [...new Set(ids)].slice(0, MOST_OVERLAYS),
    match: !is("smatch", "0"),
  };
}

export function written(settings: Settings): Query {
  const { smooth, z, lists, medium, axis, flux, step, band, sky, log, y, overlays, match } = settings;
  return {
    ssmooth: smooth > 1 ? smooth : null,
    sz: z ? String(Number(z.toFixed(6))) : null,
    slines: lists.join(","),
    smedium: medium === "vacuum" ? medium : null,
    saxis: axis === "column" ? axis : null,
    sflux: flux === "box" ? flux : null,
    sstep: step ? null : "0",
    sband: band ? null : "0",
    ssky: sky === "off" ? null : sky,
    slog: log ? "1" : null,
    sy: Array.isArray(y) ? y.join(",") : y === "all" ? y : null,
    sover: overlays.join(","),
    smatch: match ? null : "0",
  };
}

export const toggleLines = (settings: Settings): string[] => (settings.lists.length ? [] : lastLists);
export function rememberLists(lists: string[]): void {
  if (lists.length) lastLists = lists;
}
export const nextWidth = (width: number): number => WIDTHS[(WIDTHS.indexOf(width as 1) + 1) % WIDTHS.length] ?? 1;

/** Browsers allow a limited number of changes of the address in a time: a dragged redshift must not use them up. */
const PAUSE = 300;
const NAMES = ["ssmooth", "sz", "slines", "smedium", "saxis", "sflux", "sstep", "sband", "ssky", "slog", "sy", "sover", "smatch"];
const ours = (query: URLSearchParams): string => NAMES.map((name) => query.get(name) ?? "").join("&");

/** The settings and how to change them; the address follows, and is followed. Columns in view are the link's, and go there too. */
export function useSettings(link: Link): [Settings, (change: Partial<Settings>) => void] {
  const [settings, set] = useState(() => read(place.value.query));
  const current = useRef(settings);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const known = useRef(ours(place.value.query));
  rememberLists(settings.lists);

  const keep = useCallback(() => {
    clearTimeout(timer.current);
    const path = place.value.parts.join("/");
    timer.current = setTimeout(() => {
      timer.current = undefined;
      if (place.value.parts.join("/") !== path) return;
      const range = link.range.value;
      amend({ ...written(current.current), sx: range ? `${range.low.toFixed(1)},${range.high.toFixed(1)}` : null });
      known.current = ours(place.value.query);
    }, PAUSE);
  }, [link]);

  const change = useCallback(
    (changes: Partial<Settings>) => {
      current.current = { ...current.current, ...changes };
      set(current.current);
      keep();
    },
    [keep],
  );

  useEffect(() => {
    const range = pair(place.value.query.get("sx"));
    if (range && !link.range.value) link.range.value = { low: range[0], high: range[1], by: "spectrum" };
    let before = link.range.value;
    const unrange = link.range.subscribe((now) => {
      if (now !== before) keep();
      before = now;
    });
    const unplace = place.subscribe(({ query }) => {
      if (timer.current !== undefined || ours(query) === known.current) return;
      known.current = ours(query);
      current.current = read(query);
      set(current.current);
    });
    return () => {
      unrange();
      unplace();
      clearTimeout(timer.current);
      timer.current = undefined; // what waits no more must not keep the address from being followed
    };
  }, [link, keep]);

  return [settings, change];
}
