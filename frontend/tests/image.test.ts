// The 2-D viewer's pure parts: limits, stretches, colours, what is in view, and the apertures the API is asked for.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { decodePreview, step, value, type Grid, type ImagePreview } from "../src/viewers/container";
import {
  added, detectorRow, dragged, drawnFrom, edged, gripAt, gripRow, problem, toAperture, traceAt, withoutSky, withoutTarget, withSky,
} from "../src/viewers/image/apertures";
import { MAPS, palette } from "../src/viewers/image/colours";
import { extractions } from "../src/viewers/image/extractions";
import { COSMIC, Levels, maskWords, SATURATED } from "../src/viewers/image/levels";
import { KINDS, markTable, sample } from "../src/viewers/image/marks";
import { paint } from "../src/viewers/image/pixels";
import { lookup, quantile, sampled, STRETCHES, stretched, unstretched, zscale } from "../src/viewers/image/stretch";
import { inside, panned, ticks, zoomed } from "../src/viewers/image/view";

const expected = JSON.parse(readFileSync("tests/data/expected.json", "utf8"));
const image = (await decodePreview(new Uint8Array(readFileSync("tests/data/image.glpv")))) as ImagePreview;
const full = image.grids.find((grid) => grid.factor === 1) as Grid;
const near = (found: number, wanted: number, within: number) => assert.ok(Math.abs(found - wanted) <= within, `${found} is not ${wanted}`);

test("zscale finds the limits astropy finds", () => {
  const { low, high } = zscale(sampled(full, null, 0));
  near(low, expected.image.zscale[0], 0.02);
  near(high, expected.image.zscale[1], 0.02);
});

test("zscale of a flat, an empty and a tiny sample is still a range", () => {
  assert.deepEqual(zscale(new Float64Array()), { low: 0, high: 1 });
  assert.deepEqual(zscale(Float64Array.of(7)), { low: 7, high: 7 });
  const flat = zscale(new Float64Array(500).fill(3));
  assert.deepEqual([flat.low, flat.high], [3, 3]);
  const levels = new Levels({ ...image, mask: null, grids: [{ ...full, steps: full.steps.map(() => 100) }] }, null);
  const { low, high } = levels.limits("zscale");
  assert.ok(high > low);
});

test("stretches go from 0 to 1, never back, and are undone", () => {
  for (const name of STRETCHES) {
    near(stretched(name, 0), 0, 1e-12);
    near(stretched(name, 1), 1, 1e-12);
    for (let x = 0.01; x <= 1; x += 0.03) {
      assert.ok(stretched(name, x) > stretched(name, x - 0.01));
      near(unstretched(name, stretched(name, x)), x, 1e-9);
    }
  }
});

test("the table of steps gives each value its colour, and the ends beyond the limits", () => {
  const colours = palette("gray", false, false);
  for (const stretch of STRETCHES) {
    const [low, high] = [20, 700];
    const table = lookup(full, { low, high }, stretch, colours);
    for (const wanted of [-10, 19, 25, 100, 350, 690, 701, 5000]) {
      const at = Math.round(step(full, wanted));
      const x = Math.min(1, Math.max(0, (value(full, at) - low) / (high - low)));
      assert.equal(table[at], colours[Math.round(255 * stretched(stretch, x))]);
    }
  }
  assert.equal(lookup(full, { low: 1e9, high: 2e9 }, "linear", colours)[65535], colours[0]);
});

test("colour maps are matplotlib's within what 18 anchors allow, and are inverted", () => {
  for (const name of MAPS) {
    const table = palette(name, false, false);
    expected.maps[name].forEach((rgb: number[], i: number) => {
      const colour = table[15 * i] as number;
      rgb.forEach((part, k) => near((colour >>> (8 * k)) & 255, part, name === "cividis" ? 12 : 3));
    });
    assert.deepEqual([...palette(name, true, false)], [...table].reverse());
  }
});

test("at night every map is the red one: red is the strongest part of each colour, and green and blue stay alike", () => {
  for (const name of MAPS) {
    for (const colour of palette(name, false, true)) {
      const [red, green, blue] = [colour & 255, (colour >>> 8) & 255, (colour >>> 16) & 255];
      assert.ok(red > green && red > blue && Math.abs(green - blue) < 30);
    }
  }
});

test("levels count the mask, and lose no mark and no light when zoomed out", () => {
  const levels = new Levels(image, null);
  for (const [bit, count] of Object.entries(expected.image.counts)) assert.equal(levels.counts.get(Number(bit)), count);
  const { grid, mask } = levels.at(4.5);
  assert.equal(grid.factor, 4);
  assert.ok((mask?.[Math.floor(10 / 4) * grid.width + Math.floor(22 / 4)] ?? 0) & COSMIC);
  assert.ok((mask?.[Math.floor(52 / 4) * grid.width + 75] ?? 0) & SATURATED);
  const mean = (one: Grid) => one.steps.reduce((sum, s) => sum + s, 0) / one.steps.length;
  near(mean(grid), mean(full), 1);
  assert.equal(levels.at(0.5).grid, full);
});

test("without a mask, what is as bright as the saturation value is saturated", () => {
  const limit = 900;
  const levels = new Levels({ ...image, mask: null }, limit);
  const wanted = Array.from(full.steps).filter((one) => value(full, one) >= limit - 1e-6).length;
  assert.ok(wanted > 0);
  assert.equal(levels.counts.get(SATURATED), wanted);
  assert.equal(levels.counts.get(COSMIC), 0);
});

test("percentiles hold their share of the pixels", () => {
  const histogram = new Uint32Array(65536);
  for (let i = 0; i < 1000; i++) histogram[i] = 1;
  assert.equal(quantile(histogram, 0), 0);
  assert.equal(quantile(histogram, 0.5), 499);
  assert.equal(quantile(histogram, 1), 999);
  const levels = new Levels(image, null);
  const [wide, narrow] = [levels.limits("99.5"), levels.limits("95")];
  assert.ok(wide.low < narrow.low && wide.high > narrow.high);
});

test("a screen's pixel takes the image pixel below it, row 0 at the bottom, ground outside", () => {
  const levels = new Levels(image, null);
  const colours = Uint32Array.from({ length: 65536 }, (_, i) => i + 1);
  const [width, height] = [30, 20];
  const out = new Uint32Array(width * height);
  const x = { low: image.corner[0] + 99.5, high: image.corner[0] + 109.5 };
  const y = { low: image.corner[1] - 2.5, high: image.corner[1] + 7.5 };
  paint(out, width, height, levels, x, y, { colours: () => colours, marks: null, ground: 0 });
  const at = (column: number, row: number) => out[(height - 1 - 2 * (row + 2)) * width + 3 * (column - 100) + 1];
  assert.equal(at(100, 0), (full.steps[100] as number) + 1);
  assert.equal(at(109, 7), (full.steps[7 * full.width + 109] as number) + 1);
  assert.equal(at(104, -1), 0);
  const marks = { bits: COSMIC, table: () => markTable(COSMIC, () => 99, false).map((one) => one && 99) };
  paint(out, width, height, levels, { low: image.corner[0] + 19.5, high: image.corner[0] + 29.5 }, { low: image.corner[1] + 5.5, high: image.corner[1] + 15.5 },
    { colours: () => colours, marks, ground: 0 });
  assert.equal(out[(height - 1 - 2 * 4) * width + 3 * 2 + 1], 99);
  assert.notEqual(out[(height - 1 - 2 * 4) * width + 3 * 7 + 1], 99);
});

test("marks differ by shape: in a pixel that is large enough, which shows its own colour too, and as a pattern below that", () => {
  const shapes = KINDS.map(([bit]) => sample(bit, () => 7).join());
  assert.equal(new Set(shapes).size, KINDS.length);
  const levels = new Levels(image, null);
  const [width, height] = [160, 160];
  const out = new Uint32Array(width * height);
  const colours = Uint32Array.from({ length: 65536 }, () => 1);
  const marks = { bits: COSMIC, table: (shaped: boolean) => markTable(COSMIC, () => 0xff0000fe, shaped) };
  const seen = (columns: number) => {
    const [x, y] = [image.corner[0] + 19.5, image.corner[1] + 5.5];
    paint(out, width, height, levels, { low: x, high: x + columns }, { low: y, high: y + columns }, { colours: () => colours, marks, ground: 0 });
    return new Set(out);
  };
  assert.deepEqual([...seen(10)].sort(), [1, 0xff0000fe]);
  assert.deepEqual([...seen(64)].sort(), [1, 0xff00007f, 0xff0000fe]);
  const table = markTable(COSMIC, () => 0xff0000fe, false);
  assert.ok(table.subarray(COSMIC * 64, COSMIC * 64 + 64).every((one) => one !== 0), "no gap for a lone pixel to fall into");
  assert.ok(table.subarray(SATURATED * 64, SATURATED * 64 + 64).every((one) => one === 0), "only what is asked for");
});

test("an aperture on the automatic trace is the place and the rows from which the pipeline extracts the same", () => {
  // make_fixtures.py has extracted with this aperture and found the automatic trace and zones again.
  const { aperture } = expected.image;
  const made = toAperture(image, drawnFrom(image.targets[0]!));
  near(made.column, aperture.column, 1e-3);
  near(made.row, aperture.row, 1e-3);
  made.target.forEach((edge, i) => near(edge, aperture.target[i], 1e-3));
  made.sky.forEach((zone, k) => zone.forEach((edge, i) => near(edge, aperture.sky[k][i], 1e-3)));
});

test("the drawn trace lies on the fitted one everywhere", () => {
  const drawn = drawnFrom(image.targets[0]!);
  for (const [column, row] of expected.image.trace) near(detectorRow(image, traceAt(drawn, column)), row, 0.05);
});

test("edges are held where they are near, dragged, typed, and never cross", () => {
  const targets = [drawnFrom(image.targets[0]!)];
  const [low, high] = targets[0]!.target;
  const row = traceAt(targets[0]!, 200);
  const grip = gripAt(targets, 200, row + high + 0.2, 1)!;
  assert.deepEqual(grip, { target: 0, part: "target", edge: 1 });
  near(gripRow(targets, grip, 200), row + high, 1e-9);
  near(gripRow(targets, { target: 0, part: "trace" }, 200), row, 1e-9);
  assert.equal(gripAt(targets, 200, row + 30, 0.01), null);
  near(dragged(targets, grip, 200, row + 5)[0]!.target[1], 5, 1e-9);
  assert.ok(dragged(targets, grip, 200, row - 50)[0]!.target[1] > low);
  near(edged(targets, { target: 0, part: "sky", zone: 0, edge: 0 }, -40)[0]!.sky[0]![0], -40, 1e-9);
  const shifted = dragged(targets, { target: 0, part: "trace" }, 200, row + 3)[0]!;
  near(traceAt(shifted, 480) - traceAt(targets[0]!, 480), 3, 1e-9);
  assert.deepEqual(shifted.target, [low, high]);
});

test("a new target takes shape and zones of the nearest; zones and targets come and go", () => {
  const one = [drawnFrom(image.targets[0]!)];
  const two = added(one, 100, 20, image);
  near(traceAt(two[1]!, 100), 20, 1e-9);
  near(traceAt(two[1]!, 400) - traceAt(two[1]!, 100), traceAt(one[0]!, 400) - traceAt(one[0]!, 100), 1e-9);
  assert.deepEqual(two[1]!.target, one[0]!.target);
  const first = added([], 100, 20, image);
  near(traceAt(first[0]!, 480), 20, 1e-9);
  assert.equal(problem(first, image), null);
  assert.equal(withSky(one, 0, 3)[0]!.sky.length, one[0]!.sky.length + 1);
  assert.match(problem(withoutSky(withoutSky(one, 0, 0), 0, 0), image) ?? "", /sky/);
  assert.match(problem(withoutTarget(one, 0), image) ?? "", /at least one/);
  assert.match(problem(added([], 100, 5000, image), image) ?? "", /outside/);
});

test("a frame that was extracted twice has two sets of targets", () => {
  const numbers = (list: string[]) => extractions(list.map((variant) => ({ variant }))).map((set) => set.length);
  assert.deepEqual(numbers(["auto", "auto", "3fa9", "auto", "77b1", "77b1"]), [3, 1, 2]);
  assert.deepEqual(numbers([]), []);
});

test("zooming keeps the place below the pointer, and nothing leaves the image", () => {
  const whole = { low: -0.5, high: 999.5 };
  const near100 = zoomed(whole, 4, 100, whole);
  near(near100.high - near100.low, 250, 1e-9);
  near((100 - near100.low) / 250, 100.5 / 1000, 1e-9);
  assert.deepEqual(zoomed(near100, 0.01, 100, whole), whole);
  assert.deepEqual(panned({ low: 0, high: 100 }, -500, whole), { low: -0.5, high: 99.5 });
  assert.deepEqual(inside({ low: -50, high: 5000 }, whole), whole);
});

test("ticks are round numbers within the range", () => {
  assert.deepEqual(ticks({ low: -3, high: 2047 }, 5), [0, 500, 1000, 1500, 2000]);
  assert.deepEqual(ticks({ low: 0.1, high: 0.52 }, 4), [0.2, 0.4]);
  assert.deepEqual(ticks({ low: 5, high: 5 }, 4), []);
});

test("mask bits are told in words", () => {
  assert.deepEqual(maskWords(6), ["saturated", "cosmic ray"]);
  assert.deepEqual(maskWords(0), []);
});
