// What the page decodes is what the pipeline wrote: the files of tests/data come from make_fixtures.py.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { decodeFits, decodePreview, step, value, type Grid, type ImagePreview, type SpectrumPreview } from "../src/viewers/container";

const data = (name: string) => new Uint8Array(readFileSync(`tests/data/${name}`));
const expected = JSON.parse(readFileSync("tests/data/expected.json", "utf8"));

interface Sample {
  at: number[];
  values: number[];
  sum: number;
}

function same(list: ArrayLike<number>, sample: Sample, within: number): void {
  sample.at.forEach((at, i) => {
    const [found, wanted] = [list[at] as number, sample.values[i] as number];
    assert.ok(Math.abs(found - wanted) <= within * Math.max(1, Math.abs(wanted)), `element ${at}: ${found}, not ${wanted}`);
  });
  const sum = Array.from(list).reduce((all, one) => all + one, 0);
  assert.ok(Math.abs(sum - sample.sum) <= within * Math.max(1, Math.abs(sample.sum)), `sum ${sum}, not ${sample.sum}`);
}

const values = (grid: Grid) => Array.from(grid.steps, (one) => value(grid, one));

test("an image's levels, mask and geometry are those the pipeline wrote", async () => {
  const image = (await decodePreview(data("image.glpv"))) as ImagePreview;
  assert.equal(image.kind, "image");
  assert.deepEqual([image.height, image.width], expected.image.shape);
  assert.equal(image.grids.length, 2);
  for (const grid of image.grids) same(values(grid), expected.image.levels[grid.factor], 1e-4);
  assert.ok(image.mask);
  same(image.mask, expected.image.mask, 0);
  assert.deepEqual(image.corner, expected.image.section.corner);
  assert.deepEqual(image.binning, expected.image.section.binning);
  assert.deepEqual(image.origin, expected.image.section.roi_origin);
  assert.deepEqual(image.targets[0]?.target, expected.image.target.target);
});

test("steps and values are each other's inverse", async () => {
  const image = (await decodePreview(data("image.glpv"))) as ImagePreview;
  for (const grid of image.grids) for (const one of [0, 1, 17, 300, 400]) {
    if (value(grid, one) > -0.375 - 20) assert.ok(Math.abs(step(grid, value(grid, one)) - one) < 1e-6);
  }
});

test("a spectrum's columns are those the pipeline wrote, unknown elements included", async () => {
  const spectrum = (await decodePreview(data("spectrum.glpv"))) as SpectrumPreview;
  assert.equal(spectrum.length, expected.spectrum.length);
  assert.equal(spectrum.firstColumn, expected.spectrum.first_column);
  assert.ok(Number.isNaN(spectrum.flux[0]));
  const known = (list: Float32Array) => list.map((one) => (Number.isFinite(one) ? one : 0));
  same(known(spectrum.flux), expected.spectrum.flux, 1e-5);
  same(known(spectrum.error), expected.spectrum.error, 1e-5);
  same(known(spectrum.sky), expected.spectrum.sky, 1e-5);
});

test("a gzipped raw frame of unsigned 16 bits is read to the count, with its binning", async () => {
  const image = await decodeFits(data("raw.fits.gz"));
  assert.deepEqual([image.height, image.width], expected.fits.raw.shape);
  assert.deepEqual(image.binning, expected.fits.raw.binning);
  same(values(image.grids[0] as Grid), expected.fits.raw, 0);
});

test("floats of an extension are read within a 65535th of their span; a hole becomes the lowest", async () => {
  const image = await decodeFits(data("float.fits"));
  assert.deepEqual([image.height, image.width], expected.fits.float.shape);
  const { low, high } = expected.fits.float;
  const grid = image.grids[0] as Grid;
  expected.fits.float.at.forEach((at: number, i: number) => {
    assert.ok(Math.abs(values(grid)[at]! - expected.fits.float.values[i]) <= (high - low) / 65535);
  });
});

test("what is no image is refused with a sentence", async () => {
  await assert.rejects(decodePreview(new Uint8Array(64)), /no preview/);
  await assert.rejects(decodePreview(data("image.glpv").subarray(0, 9000)), /ends too early/);
  await assert.rejects(decodeFits(data("float.fits").subarray(0, 2000)), /header ends too early/);
  await assert.rejects(decodeFits(data("float.fits").subarray(0, data("float.fits").length - 2880)), /before its last pixel|header ends/);
});
