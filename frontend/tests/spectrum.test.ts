import assert from "node:assert/strict";
import { test } from "node:test";
import { airToVacuum, observed, redshift, vacuumToAir } from "../src/viewers/spectrum/air";
import { LISTS } from "../src/viewers/spectrum/lines";
import { interpolate, limits, maskCount, maskWords, placeLabels, quantiles, smooth, ticks, tickTexts } from "../src/viewers/spectrum/numbers";
import { LIST_IDS } from "../src/viewers/spectrum/scene";
import { csv, single } from "../src/viewers/spectrum/table";

const near = (value: number, wanted: number, within: number) => assert.ok(Math.abs(value - wanted) <= within, `${value} is not ${wanted}`);

test("air and vacuum agree with the tables of NIST, and each is the other's inverse", () => {
  near(airToVacuum(6562.79), 6564.603, 0.002); // Hα
  near(airToVacuum(5006.843), 5008.24, 0.002); // [O III]
  near(vacuumToAir(3934.777), 3933.663, 0.002); // Ca K
  for (let wave = 2500; wave < 11000; wave += 137) near(vacuumToAir(airToVacuum(wave)), wave, 1e-8);
  assert.equal(airToVacuum(1215.67), 1215.67);
});

test("a line is redshifted in vacuum, and the redshift is found again from where it is dragged", () => {
  near(observed(6562.79, 0, "air"), 6562.79, 1e-8);
  near(observed(5006.84, 0.1, "vacuum"), airToVacuum(5006.84) * 1.1, 1e-8);
  for (const medium of ["air", "vacuum"] as const) near(redshift(4861.35, observed(4861.35, 0.3217, medium), medium), 0.3217, 1e-10);
});

test("line lists are in the optical, named, and bands end after they begin", () => {
  assert.deepEqual(LISTS.map((list) => list.id), LIST_IDS);
  for (const [wave, label, end] of LISTS.flatMap((list) => list.lines)) {
    assert.ok(wave > 1000 && wave < 11000 && label.length > 0 && (end === undefined || end > wave));
  }
});

test("smoothing weighs by the inverse variance, leaves masked and unknown elements out, and drops nothing", () => {
  const flux = Float32Array.from([1, 1, 1000, 1, NaN, 3]);
  const error = Float32Array.from([1, 1, 1, 1, 1, 2]);
  const mask = Uint8Array.from([0, 0, 4, 0, 0, 0]);
  const made = smooth(flux, error, mask, 3);
  near(made.flux[1] as number, 1, 1e-6);
  near(made.flux[2] as number, 1, 1e-6);
  near(made.error[1] as number, Math.SQRT1_2, 1e-6);
  near(made.flux[4] as number, (1 + 3 / 4) / 1.25, 1e-6);
  assert.equal(made.flux.length, flux.length);
  assert.equal(smooth(flux, error, mask, 1).flux, flux);
});

test("where all is masked, smoothing changes nothing", () => {
  const flux = Float32Array.from([5, 6, 7]);
  assert.deepEqual(smooth(flux, flux, Uint8Array.from([1, 1, 1]), 3).flux, flux);
});

test("limits exist for a constant, for nothing, and for a logarithm of negative values", () => {
  assert.deepEqual(limits([], [0.005, 0.995], false), [0, 1]);
  assert.deepEqual(limits([NaN, NaN], [0, 1], false), [0, 1]);
  assert.deepEqual(limits([-1, -2], [0, 1], true), [1, 10]);
  const [low, high] = limits([7, 7, 7], [0.005, 0.995], false);
  assert.ok(low < 7 && high > 7);
  const [zero] = limits([0, 0, 0], [0, 1], false);
  assert.ok(zero < 0);
  assert.deepEqual(quantiles([3, 1, NaN, 2], [0, 0.5, 1]), [1, 2, 3]);
});

test("ticks are round, inside, and few; their texts are short with a common power of ten", () => {
  assert.deepEqual(ticks(0, 10, 5), [0, 2, 4, 6, 8, 10]);
  assert.deepEqual(ticks(1, 1000, 12, true), [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]);
  assert.deepEqual(ticks(1, 1e6, 8, true), [1, 10, 100, 1000, 1e4, 1e5, 1e6]);
  assert.deepEqual(ticks(5, 5, 4), []);
  assert.deepEqual(tickTexts([0, 50000, 100000]), { texts: ["0", "50", "100"], factor: "×10³" });
  assert.deepEqual(tickTexts([-1e-16, 0, 1e-16]), { texts: ["−100", "0", "100"], factor: "×10⁻¹⁸" });
  assert.deepEqual(tickTexts([0, 0.2, 0.4]).texts, ["0", "0.2", "0.4"]);
});

test("columns and wavelengths are found from each other, also where wavelengths fall, and beyond the ends", () => {
  const rising = [100, 110, 130];
  near(interpolate(rising, (at) => at + 10, 120), 11.5, 1e-9);
  near(interpolate(rising, (at) => at + 10, 150), 13, 1e-9);
  near(interpolate([130, 110, 100], (at) => at, 120), 0.5, 1e-9);
  assert.equal(interpolate([4], (at) => at + 2, 7), 2);
});

test("labels go to the first row with room, and are left out rather than laid over each other", () => {
  assert.deepEqual(placeLabels([10, 20, 30, 200], [30, 30, 30, 30], 2), [0, 1, -1, 0]);
});

test("masks are told in words", () => {
  assert.equal(maskWords(6), "saturated, cosmic ray");
  assert.equal(maskCount(Uint8Array.from([0, 4, 6])), "2 masked columns (1 saturated, 2 cosmic ray)");
  assert.equal(maskCount(new Uint8Array(3)), "No column is masked");
});

test("the table has every digit, its unit in the head, and rows of the range only", () => {
  const third = Math.fround(1 / 3);
  assert.equal(Math.fround(Number(single(third))), third);
  const flux = Float32Array.from([1, third, NaN]);
  const given = {
    column: [10, 11, 12], wavelength: [5000.1234567890123, 5001, 5002], medium: "air" as const, flux, error: flux, sky: flux,
    mask: Uint8Array.from([0, 4, 0]), smoothed: null,
  };
  const lines = csv(["file: a.fits\nb"], given, 0, 2).split("\n");
  assert.deepEqual(lines.slice(0, 2), ["# file: a.fits b", "column,wavelength_air,flux,error,sky,mask"]);
  assert.equal(lines[2], "10,5000.123456789012,1,1,1,0");
  assert.equal(lines.length, 5);
  assert.match(csv([], { ...given, wavelength: null, smoothed: flux }, 2, 9), /^column,flux,error,sky,mask,flux_smoothed\n12,nan,nan,nan,0,nan\n$/);
});
