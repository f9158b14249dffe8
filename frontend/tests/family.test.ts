import assert from "node:assert/strict";
import { test } from "node:test";
import type { Lineage } from "../src/api/types";
import { awaited, best, familyOf, lampFor, meant, newest, pick, targets, variants, type Family, type Node, reached } from "../src/pages/data/family";

type Given = Partial<Node> & { id: number; data_type: string };

const node = (given: Given): Node => ({
  relation: "descendant", file_name: `${given.id}.fits`, obstype: "SPECTRUM", object: "SN 2026at", night: 20260814, status: "done",
  status_reason: "", provisional: false, target: null, variant: "auto", settings_revision: 0, science_version: "1", sha256: null,
  run_key: null, created: null, ancestor_deleted: false, ...given,
});

function lineage(nodes: Given[], edges: [number, number, string][] = []): Lineage {
  const [first, ...others] = nodes;
  assert.ok(first);
  return {
    id: first.id,
    nodes: [node({ relation: "itself", ...first }), ...others.map(node)],
    edges: edges.map(([from, to, role]) => ({ from, to, role })),
    hidden: 0,
    complete: true,
  };
}

function family(nodes: Given[], edges: [number, number, string][] = []): Family {
  const found = familyOf(lineage(nodes, edges));
  assert.ok(found);
  return found;
}

const types = (one: Family): string[] => one.stages.map((stage) => stage.type);

/** A spectrum of two targets, calibrated, with the lamps that were extracted beside it; the aperture of target 1 chosen anew. */
const SPECTRUM = family(
  [
    { id: 1, data_type: "0", file_name: "0036_SN.fits" },
    { id: 2, data_type: "2" },
    { id: 4, data_type: "3", target: 2 },
    { id: 3, data_type: "3", target: 1 },
    { id: 6, data_type: "4", target: 2 },
    { id: 5, data_type: "4", target: 1 },
    { id: 7, data_type: "3", target: 1, obstype: "ARC", file_name: "ezst_0037_comp_for_0036_SN_target_1.fits" },
    { id: 8, data_type: "4", target: 1, obstype: "ARC", file_name: "wezst_0037_comp_for_0036_SN_target_1.fits" },
    { id: 9, data_type: "3", target: 1, variant: "3fa9c1d20b44" },
    { id: 10, data_type: "4", target: 1, variant: "3fa9c1d20b44" },
    { id: 11, data_type: "1", obstype: "BIAS", relation: "ancestor" },
  ],
  [
    [1, 2, "raw"], [11, 2, "bias"], [2, 3, "reduced"], [2, 4, "reduced"], [2, 9, "reduced"],
    [3, 5, "spectrum"], [4, 5, "spectrum"], [3, 6, "spectrum"], [4, 6, "spectrum"], [9, 10, "spectrum"],
  ],
);

test("the tabs are a frame's own products, the newest first, without lamps and masters", () => {
  assert.deepEqual(types(SPECTRUM), ["4", "3", "2", "0"]);
  assert.deepEqual([...SPECTRUM.members.keys()].sort((a, b) => a - b), [1, 2, 3, 4, 5, 6, 9, 10]);
  assert.deepEqual(SPECTRUM.stages[0]?.nodes.map((one) => one.id), [5, 6, 10]);
  assert.equal(newest(SPECTRUM).type, "4");
});

test("how far a variant has come does not depend on the others", () => {
  assert.equal(reached(SPECTRUM, "3fa9c1d20b44"), "4");
  const early = family([{ id: 1, data_type: "0" }, { id: 3, data_type: "4" }, { id: 9, data_type: "3", variant: "3fa9c1d20b44" }]);
  assert.equal(reached(early, "3fa9c1d20b44"), "3");
  assert.equal(reached(early, "another"), "0");
});

test("a stage that is not there yet has a tab that says what it waits for", () => {
  const reason = "Extracted; waits for an arc of this night.";
  const early = family([{ id: 1, data_type: "0", status: "waiting", status_reason: reason }, { id: 2, data_type: "2" }, { id: 3, data_type: "3" }]);
  assert.deepEqual(types(early), ["4", "3", "2", "0"]);
  assert.equal(newest(early).type, "3");
  assert.deepEqual(awaited(early), { failed: false, sentence: reason });
  assert.deepEqual(meant(early, 1, "4"), { tab: "4", node: undefined });
  assert.equal(meant(early, 1, null).node?.id, 3);
  const fresh = family([{ id: 1, data_type: "0", status: "waiting" }]);
  assert.equal(newest(fresh).type, "0");
  assert.match(awaited(fresh).sentence, /has not come to it yet/);
  assert.equal(awaited(family([{ id: 1, data_type: "0", status: "failed", status_reason: "No trace." }])).failed, true);
});

test("flux calibrated is a tab only where there is one", () => {
  assert.deepEqual(types(family([{ id: 1, data_type: "0" }, { id: 2, data_type: "5" }])), ["5", "4", "3", "2", "0"]);
});

test("images and calibrations have the tabs they can have", () => {
  assert.deepEqual(types(family([{ id: 1, data_type: "0", obstype: "EXPOSE" }])), ["2", "0"]);
  assert.deepEqual(types(family([{ id: 1, data_type: "0", obstype: "FOCUS" }])), ["0"]);
  assert.deepEqual(types(family([{ id: 1, data_type: "0", obstype: null, status: "rejected" }])), ["0"]);
  const bias = family(
    [{ id: 1, data_type: "0", obstype: "BIAS" }, { id: 2, data_type: "1", obstype: "BIAS" }, { id: 3, data_type: "2" }, { id: 4, data_type: "1", obstype: "LAMPFLAT" }],
    [[1, 2, "member"], [2, 3, "bias"], [2, 4, "bias"]],
  );
  assert.deepEqual(types(bias), ["0"]);
  assert.deepEqual(bias.masters.map((one) => one.id), [2]);
});

test("a master is a family of its own; a product's lineage is none", () => {
  const master = family([{ id: 2, data_type: "1", obstype: "BIAS" }, { id: 3, data_type: "2" }]);
  assert.deepEqual(types(master), ["1"]);
  assert.equal(familyOf(lineage([{ id: 3, data_type: "2" }])), null);
});

test("an arc has its own reduced frame and the lamps made of it, not those of its partner nor the spectra", () => {
  const arc = family([
    { id: 1, data_type: "0", obstype: "ARC", file_name: "0037_comp.fits.fz" },
    { id: 2, data_type: "2", obstype: "ARC", original_file_id: 1 },
    { id: 3, data_type: "4", obstype: "SPECTRUM" },
    { id: 4, data_type: "3", obstype: "ARC", original_file_id: 1, target: 2, file_name: "ezst_0037_comp_for_0036_SN_target_2.fits" },
    { id: 5, data_type: "3", obstype: "ARC", original_file_id: 6, file_name: "ezst_0034_comp_for_0036_SN.fits" },
  ]);
  assert.deepEqual(types(arc), ["3", "2", "0"]);
  assert.deepEqual([...arc.members.keys()].sort(), [1, 2, 4]);
  assert.equal(lampFor(node({ id: 4, data_type: "3", target: 2, file_name: "ezst_0037_comp_for_0036_SN_target_2.fits" })), "0036_SN, target 2");
  assert.equal(lampFor(node({ id: 4, data_type: "3", file_name: "ezst_0037_comp_for_0036_SN_choice_3fa9c1.fits" })), "0036_SN");
  assert.equal(lampFor(node({ id: 2, data_type: "2", file_name: "zst_0037_comp.fits" })), "");
});

test("another tab shows the same target and variant", () => {
  assert.equal(pick(SPECTRUM, "4")?.id, 5);
  assert.equal(pick(SPECTRUM, "3", { from: 6, target: 2 })?.id, 4);
  assert.equal(pick(SPECTRUM, "3", { from: 10, target: 1, variant: "3fa9c1d20b44" })?.id, 9);
  assert.equal(pick(SPECTRUM, "2", { from: 10, target: 1, variant: "3fa9c1d20b44" })?.id, 2);
  assert.equal(pick(SPECTRUM, "4", { from: 2, target: 1, variant: "3fa9c1d20b44" })?.id, 10);
  assert.equal(pick(SPECTRUM, "5"), undefined);
});

test("the address means a product, or the newest of a frame", () => {
  assert.deepEqual([meant(SPECTRUM, 3, null).tab, meant(SPECTRUM, 3, null).node?.id], ["3", 3]);
  assert.equal(meant(SPECTRUM, 1, null).node?.id, 5);
  assert.equal(meant(SPECTRUM, 1, "0").node?.id, 1);
  assert.equal(meant(SPECTRUM, 1, "1").node?.id, 5);
});

test("targets and variants to choose from, and the best of what was made", () => {
  const stage = SPECTRUM.stages[0];
  assert.ok(stage);
  assert.deepEqual(targets(stage, "auto").map((one) => one.target), [1, 2]);
  assert.deepEqual(targets(stage, "3fa9c1d20b44").map((one) => one.id), [10]);
  assert.deepEqual(variants(SPECTRUM), ["auto", "3fa9c1d20b44"]);
  assert.equal(best(SPECTRUM, [9, 10, 8])?.id, 10);
  assert.equal(best(SPECTRUM, [99]), undefined);
});
