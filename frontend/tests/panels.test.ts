import assert from "node:assert/strict";
import { test } from "node:test";
import type { Lineage } from "../src/api/types";
import { readable, written } from "../src/pages/data/cards";
import { apart, chosenWords, toggled, type Candidate } from "../src/pages/data/candidates";
import {
  binningOf, dispersionAt, extractionFacts, flagSentences, leftOut, masterFacts, otherFacts, wavelengthAt, wavelengthFacts, zeroFacts, type Solution,
} from "../src/pages/data/quality-facts";
import { branches } from "../src/pages/data/tree";
import { linePath, scaleOf, ticks } from "../src/parts/scale";

// T0, T1, T2 over -1 … 1: λ = 6000 + 2000 t + 10 (2 t² − 1)
const SOLUTION: Solution = {
  coefficients: [6000, 2000, 10], domain: [0, 4000], span: [100, 3900], rms: 0.04, rms_fit: 0.03, lamps: ["Hg", "Ar"], method: "library",
  template: "lamp.fits", score: 20, zero_point: 0.5,
  lines: Array.from({ length: 12 }, (_, i) => ({ column: 300 * i, column_error: 0.05, wavelength: 4000 + i, ion: "Ar I", residual: 0.01, used: i > 1 })),
};

test("the solution is evaluated as the pipeline does, zero point included", () => {
  assert.equal(wavelengthAt(SOLUTION, 2000), 6000 - 10 + 0.5);
  assert.equal(wavelengthAt(SOLUTION, 4000), 8010.5);
  assert.ok(Math.abs(dispersionAt(SOLUTION, 3000) - (2000 + 10 * 4 * 0.5) / 2000) < 1e-12);
  const step = 1e-3;
  const slope = (wavelengthAt(SOLUTION, 1234 + step) - wavelengthAt(SOLUTION, 1234 - step)) / (2 * step);
  assert.ok(Math.abs(dispersionAt(SOLUTION, 1234) - slope) < 1e-6);
});

test("the binning comes from the two forms of the rms", () => {
  assert.equal(binningOf(SOLUTION, { wavelength_rms: 0.04, wavelength_rms_pixels: 0.02 }), 2);
  assert.equal(binningOf(SOLUTION, {}), 1);
});

test("a good solution is called good, a poor one bad, and few lines are told", () => {
  const facts = (solution: Solution) => wavelengthFacts({ solution, wavelength_rms: 0.04, wavelength_rms_pixels: 0.02 });
  assert.equal(facts(SOLUTION)[0]?.verdict, "good");
  assert.match(facts(SOLUTION)[0]?.value ?? "", /0\.040 Å = 0\.020 px/);
  assert.equal(facts({ ...SOLUTION, rms: 0.4 })[0]?.verdict, "warn");
  assert.equal(facts({ ...SOLUTION, rms: 4 })[0]?.verdict, "bad");
  assert.equal(facts({ ...SOLUTION, lines: SOLUTION.lines.slice(0, 5) })[2]?.verdict, "warn");
  assert.deepEqual(wavelengthFacts({ solution: null }), []);
});

test("a zero point that the sky does not show is no failure, but is said", () => {
  const zero = { shift: null, error: null, shift_pixels: null, error_pixels: null, significance: 0, method: "none", verified: false, applied: false, reason: "", width_pixels: null, features: [], stretches: [] };
  assert.equal(zeroFacts({ zero })[0]?.value, "not verified");
  const found = zeroFacts({ zero: { ...zero, verified: true, applied: true, shift: -1.5, error: 0.1, shift_pixels: -0.75, error_pixels: 0.05 } });
  assert.match(found[0]?.value ?? "", /^−1\.500 ± 0\.100 Å/);
  assert.match(found[0]?.words ?? "", /corrected/);
});

test("figures that are missing are left out, those without a name are shown", () => {
  assert.deepEqual(extractionFacts({}), []);
  assert.deepEqual(otherFacts({ signal_to_noise: 3, wavelength_rms: 1, new_figure: 0.25, list: [1] }), [{ name: "new figure", value: "0.25" }]);
});

test("an arc without a flat needs no warning, a spectrum does", () => {
  assert.deepEqual(flagSentences({ flags: ["no_flat"] }, "ARC"), []);
  assert.equal(flagSentences({ flags: ["no_flat"] }, "SPECTRUM").length, 1);
});

test("members left out of a master are counted and named", () => {
  const details = { members: 9, left_out: { "a.fits": "saturated" } };
  assert.match(masterFacts(details)[0]?.value ?? "", /9 frames; 1 left out/);
  assert.deepEqual(leftOut(details), [["a.fits", "saturated"]]);
});

test("cards are written as the API's own text has them, and found by keyword, value or comment", () => {
  const cards = [
    { keyword: "SIMPLE", value: true, comment: "conforms" },
    { keyword: "OBJECT", value: "O'Neill", comment: "" },
    { keyword: "HISTORY", value: "trimmed", comment: "" },
  ];
  assert.equal(written(cards), "SIMPLE   = T / conforms\nOBJECT   = 'O''Neill'\nHISTORY  trimmed\n");
  assert.ok(readable(cards[0] as (typeof cards)[0]).sought.includes("simple t conforms"));
  assert.equal(readable(cards[2] as (typeof cards)[0]).prose, true);
});

const candidate = (id: number, minutes: number): Candidate => ({
  id, file_name: `${id}.fits`, night: 20260814, rank: 1, chosen: false, used: false, reasons: [], figures: { minutes_apart: minutes },
});

test("at most two lamps are taken, and it is said whether they bracket the exposure", () => {
  assert.deepEqual(toggled([1, 2], 3), [1, 2]);
  assert.deepEqual(toggled([1, 2], 1), [2]);
  const lamps = [candidate(1, -15), candidate(2, 5), candidate(3, 30)];
  assert.match(chosenWords(lamps, [1, 2]), /bracket the exposure, 20\.0 min apart/);
  assert.match(chosenWords(lamps, [2, 3]), /after the exposure: they do not bracket it/);
  assert.equal(apart(-15), "15.0 min before");
  assert.equal(apart(150), "2.5 h after");
});

test("a lineage is a tree in which nothing is written out twice and cycles end", () => {
  const node = (id: number) => ({ id }) as Lineage["nodes"][number];
  const edge = (from: number, to: number, role: string) => ({ from, to, role });
  const graph = {
    id: 9,
    nodes: [9, 8, 7, 2, 1].map(node),
    edges: [edge(8, 9, "spectrum"), edge(7, 9, "spectrum"), edge(2, 8, "reduced"), edge(2, 7, "reduced"), edge(1, 2, "raw"), edge(9, 1, "odd"), edge(5, 9, "arc")],
  };
  const up = branches(graph, "up", 8);
  assert.deepEqual(up.map((one) => one.node.id), [8, 7]);
  assert.equal(up[0]?.next[0]?.next[0]?.node.id, 1);
  assert.equal(up[1]?.next[0]?.shown, true);
  assert.deepEqual(up[1]?.next[0]?.next, []);
  assert.deepEqual(branches({ ...graph, id: 2 }, "down").map((one) => one.node.id), [7, 8]);
});

test("ticks are round, few and within the limits", () => {
  assert.deepEqual(ticks(scaleOf([0.03, 0.97], 0, 100), 5).map((one) => one.text), ["0.2", "0.4", "0.6", "0.8"]);
  assert.deepEqual(ticks(scaleOf([-0.25, 0.25], 0, 100), 3).map((one) => one.text), ["−0.2", "0.0", "0.2"]);
  const root = ticks(scaleOf([0, 50000], 0, 100, true), 5).map((one) => one.value);
  assert.ok(root.length >= 4 && root.every((value) => value <= 50000));
  assert.deepEqual(ticks(scaleOf([NaN, NaN], 0, 1), 4), []);
});

test("a line keeps its peaks when many samples share a pixel, and breaks where there is no number", () => {
  const scale = scaleOf([0, 1000], 0, 10);
  const up = scaleOf([0, 100], 100, 0);
  const x = Array.from({ length: 1001 }, (_, i) => i);
  const y = x.map((i) => (i === 512 ? 100 : 0));
  assert.match(linePath(x, y, scale, up), /V0V/);
  assert.equal((linePath([0, 1, 2], [1, NaN, 2], scaleOf([0, 2], 0, 20), up).match(/M/g) ?? []).length, 2);
});
