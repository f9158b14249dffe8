import assert from "node:assert/strict";
import { test } from "node:test";
import { announcement, changed, counts, elements, shownOf, summary, type Frame } from "../src/pages/night/frames";
import { nearest, roundStep, timeAxis, valueAxis } from "../src/pages/night/scale";

const frame = (id: number, more: Partial<Frame> = {}): Frame =>
  ({ id, file_name: `${id}.fits`, time: `2026-11-10T0${id}:00:00+00:00`, object: "SN 2026abc", obstype: "SPECTRUM", proposal_id: "A", status: "done",
    signal_to_noise: null, seeing: null, wavelength_rms: null, comments: [], ...more }) as Frame;

test("a frame is announced with what was measured", () => {
  assert.equal(announcement(frame(1, { signal_to_noise: 35.04, seeing: 1.12, wavelength_rms: 0.0312 })),
    "1.fits SPECTRUM SN 2026abc: done, S/N 35, seeing 1.1″, rms 0.031 Å");
  assert.equal(announcement(frame(1, { object: null, status: "waiting" })), "1.fits SPECTRUM: waiting");
});

test("the newest frame that came or changed is found, and none where nothing did", () => {
  const before = [frame(1), frame(2, { status: "waiting" })];
  assert.equal(changed(before, before), undefined);
  assert.equal(changed(before, [frame(1), frame(2)])?.id, 2);
  assert.equal(changed(before, [...before, frame(3)])?.id, 3);
});

test("statuses are counted in the order of a frame's life", () => {
  const found = counts([frame(1, { status: "failed" }), frame(2), frame(3), frame(4, { status: "waiting" })]);
  assert.deepEqual(found.map((one) => [one.word, one.count]), [["done", 2], ["waiting", 1], ["failed", 1]]);
});

test("the log is narrowed and turned round without changing what was read", () => {
  const frames = [frame(1), frame(2, { obstype: "ARC" }), frame(3)];
  assert.deepEqual(shownOf(frames, { obstype: "SPECTRUM", proposal: "A", newestFirst: true }).map((one) => one.id), [3, 1]);
  assert.deepEqual(frames.map((one) => one.id), [1, 2, 3]);
});

test("the strip is told in words", () => {
  assert.equal(summary([frame(1, { signal_to_noise: 10 }), frame(2, { signal_to_noise: 40, status: "rejected" })]),
    "2 frames from 01:00 to 02:00 UT. S/N from 10 to 40. 1 frame failed or was rejected.");
  assert.match(summary([frame(1, { time: null })]), /No frame/);
});

test("what is not in the light's way is not told", () => {
  assert.equal(elements("NO_FILTER", "GG455", null, "NO_MASK"), "GG455");
  assert.equal(elements("NO_GRATING"), "–");
});

test("axes have round ticks and hold every value", () => {
  assert.deepEqual([0.3, 3, 20, 1].map(roundStep), [0.5, 5, 20, 1]);
  const axis = valueAxis([12, 79], 100, 0);
  assert.deepEqual(axis.ticks, [0, 20, 40, 60, 80]);
  assert.ok(axis.at(79) > 0 && axis.at(0) === 100);
  assert.deepEqual(valueAxis([0.5, 300], 100, 0).ticks, [0.1, 1, 10, 100]);
});

test("a single frame and a whole night have a time axis", () => {
  const start = Date.parse("2026-11-10T00:00:00Z");
  const one = timeAxis([start], 0, 600);
  assert.ok(Math.abs(one.at(start) - 300) < 1);
  const night = timeAxis([start, start + 10 * 3_600_000], 0, 900);
  assert.ok(night.ticks.length >= 4 && night.ticks.length <= 12);
  assert.equal((night.ticks[0] ?? 1) % 3_600_000, 0);
});

test("the frame next to the pointer is found", () => {
  assert.deepEqual([-5, 14, 16, 99].map((x) => nearest([0, 10, 20], x)), [0, 1, 2, 2]);
  assert.equal(nearest([], 5), -1);
});
