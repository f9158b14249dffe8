// Colour maps as tables of 256 colours, packed as a canvas keeps them (bytes red, green, blue, alpha).
// viridis, magma, inferno, plasma: N. Smith, S. van der Walt, E. Firing (CC0); cividis: Nuñez, Anderton & Renslow 2018
// (PLoS ONE 13, e0199239); sampled from matplotlib every 15 of 256. cubehelix: D. A. Green 2011 (Bull. Astr. Soc. India
// 39, 289). hot: matplotlib's corners.

export const MAPS = ["gray", "viridis", "magma", "inferno", "plasma", "cividis", "cubehelix", "hot"] as const;
export type MapName = (typeof MAPS)[number];

const SAMPLED: Partial<Record<MapName, string>> = {
  viridis: "440154471669472a79433c843c4d8a355d8c2e6c8e287a8e23898d1e978a20a5852eb27c45bf6f64cb5d88d547afdc2ed7e219fde724",
  magma: "00000309071f1a10413010654a107961187f792281912a80a9327cc23a75d9466aec585ff7715bfc8e63feaa74fec689fde1a3fbfcbf",
  inferno: "0000030906211d0c45370961500d6c68166e801f6b982765af315bc53d4dd94d3de8612bf37918fa9306fbb014f8cd37f1e968fcfea4",
  plasma: "0c07862f049549029f6100a67801a88e0ca4a21c9ab42d8dc33e7fd14f71de6064e97257f2854af9993dfdaf31fdc626f8df24eff821",
  cividis: "00224d002c6716366f2e416c3f4b6b4e566c5b606e686b71757575838078918c77a09775afa370beb06acebc62dfca56efd846fde737",
};
/** What every map becomes in the night theme: from black to the red of the page's links, neither blue nor bright enough to spoil dark adaptation. */
const RED = "0600001e02023a05045a0a087c110ea01b16c42b23e44639ff6a58";

type Colour = readonly [number, number, number];

function anchors(text: string): Colour[] {
  const byte = (at: number) => parseInt(text.slice(at, at + 2), 16);
  return Array.from({ length: text.length / 6 }, (_, i) => [byte(6 * i), byte(6 * i + 2), byte(6 * i + 4)] as const);
}

function between(points: Colour[], x: number): Colour {
  const place = x * (points.length - 1);
  const first = Math.min(Math.floor(place), points.length - 2);
  const [a, b] = [points[first] as Colour, points[first + 1] as Colour];
  const mix = (i: 0 | 1 | 2) => a[i] + (place - first) * (b[i] - a[i]);
  return [mix(0), mix(1), mix(2)];
}

function cubehelix(x: number): Colour {
  const amplitude = (x * (1 - x)) / 2;
  const angle = 2 * Math.PI * (0.5 / 3 - 1.5 * x);
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  return [
    255 * (x + amplitude * (-0.14861 * c + 1.78277 * s)),
    255 * (x + amplitude * (-0.29227 * c - 0.90649 * s)),
    255 * (x + amplitude * 1.97294 * c),
  ];
}

function hot(x: number): Colour {
  const ramp = (from: number, to: number, start = 0) => 255 * Math.min(1, Math.max(start, start + ((x - from) / (to - from)) * (1 - start)));
  return [ramp(0, 0.365079, 0.0416), ramp(0.365079, 0.746032), ramp(0.746032, 1)];
}

const pack = ([red, green, blue]: Colour): number => {
  const byte = (part: number) => Math.max(0, Math.min(255, Math.round(part)));
  return ((255 << 24) | (byte(blue) << 16) | (byte(green) << 8) | byte(red)) >>> 0;
};

/** The 256 colours of a map; in the night theme those of the red one, whatever is chosen. */
export function palette(name: MapName, invert: boolean, night: boolean): Uint32Array {
  const sampled = night ? RED : SAMPLED[name];
  const points = sampled ? anchors(sampled) : [];
  const colour = (x: number): Colour => {
    if (sampled) return between(points, x);
    if (name === "cubehelix") return cubehelix(x);
    return name === "hot" ? hot(x) : [255 * x, 255 * x, 255 * x];
  };
  return Uint32Array.from({ length: 256 }, (_, i) => pack(colour((invert ? 255 - i : i) / 255)));
}

/** A colour of the style sheet ("#rrggbb") as the canvas keeps it. */
export const packed = (hex: string): number => pack(anchors(/^#[0-9a-f]{6}/i.test(hex) ? hex.slice(1, 7) : "808080")[0] as Colour);
