// How an image is shown, as the address says it ("istretch", "ilim", …); what it does not say, the user's options do.

import { amend, place } from "../../core/router";
import { user } from "../../core/session";
import { MAPS, type MapName } from "./colours";
import { COSMIC, SATURATED } from "./levels";
import { LIMITS, STRETCHES, type LimitMode, type Stretch } from "./stretch";

export interface Shown {
  stretch: Stretch;
  mode: LimitMode;
  /** Those typed, with mode "typed". */
  low: number;
  high: number;
  map: MapName;
  invert: boolean;
  /** Mask bits that are marked. */
  marked: number;
  square: boolean;
}

const oneOf = <T extends string>(list: readonly T[], text: string | null, otherwise: T): T => list.find((one) => one === text) ?? otherwise;
const number = (text: string | null): number => (text ? Number(text) : NaN);

/** Read in render: the component follows the address. */
export function shownNow(): Shown {
  const { query } = place.value;
  const options = user.value?.visual_options;
  const [low, high] = [number(query.get("ilow")), number(query.get("ihigh"))];
  const typed = low < high;
  const marked = query.get("imark");
  return {
    stretch: oneOf(STRETCHES, query.get("istretch"), "linear"),
    mode: typed ? "typed" : oneOf(LIMITS.slice(0, -1), query.get("ilim"), "zscale"),
    low,
    high,
    map: oneOf(MAPS, query.get("imap"), options?.color_map ?? "gray"),
    invert: query.get("iinv") === "true",
    marked: marked === null ? (options?.show_saturated ? SATURATED : 0) : Number(marked) & 31,
    square: query.get("isquare") === "true",
  };
}

export const choose = {
  stretch: (stretch: Stretch) => amend({ istretch: stretch }),
  limits: (mode: LimitMode) => amend({ ilim: mode, ilow: null, ihigh: null }),
  typed: (low: number, high: number) => amend({ ilim: null, ilow: low, ihigh: high }),
  map: (map: MapName) => amend({ imap: map }),
  invert: (on: boolean) => amend({ iinv: on }),
  marked: (bits: number) => amend({ imark: bits }),
  square: (on: boolean) => amend({ isquare: on }),
};

const next = <T,>(list: readonly T[], now: T): T => list[(list.indexOf(now) + 1) % list.length] as T;

/** For the keys. */
export const turn = {
  stretch: (now: Shown) => choose.stretch(next(STRETCHES, now.stretch)),
  map: (now: Shown) => choose.map(next(MAPS, now.map)),
  marks: (now: Shown) => choose.marked(now.marked & (SATURATED | COSMIC) ? now.marked & ~(SATURATED | COSMIC) : now.marked | SATURATED | COSMIC),
};
