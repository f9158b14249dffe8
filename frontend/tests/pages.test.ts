// The rules behind the pages about proposals, people, logs and the API.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Event } from "../src/api/types.ts";
import { told } from "../src/core/failed.ts";
import { universal } from "../src/core/format.ts";
import { curl, example, matches, needsToken, operations, takesToken, target, typeWords, type Document } from "../src/pages/docs/openapi.ts";
import { cursorOf, gather, unknown } from "../src/pages/log/words.ts";
import { sorted, TEMPLATE, together, wordOf, type Row } from "../src/pages/management/roster.ts";
import { semesterIn } from "../src/pages/management/semesters.ts";
import { nightNumber } from "../src/pages/proposal/nights.ts";
import { changes, settingName, steps, stepText, typed, type Description, type Revision } from "../src/pages/proposal/settingvalues.ts";

const whole = { name: "minimum_biases", type: "integer", default: 10, low: 3, high: 1000, choices: [], help: "" } as Description;

test("a number is taken as it is typed, with a decimal comma too, or refused with a sentence", () => {
  assert.equal(typed(whole, " 5 "), 5);
  assert.equal(typed({ ...whole, type: "number", low: 0, high: 100 }, "1,5"), 1.5);
  for (const text of ["", "x", "2.5", "2", "1001", "Infinity"]) assert.ok(typed(whole, text) instanceof Error, text);
  assert.equal(typed({ ...whole, type: "string" }, "none"), "none");
});

test("an edit that is taken back is no change", () => {
  assert.deepEqual(changes({ a: 1, b: 2 }, { a: 1, b: 3 }), { b: 2 });
});

test("a revision is told from what to what, also where the one before is not known", () => {
  const one = { changed: ["flat_order"], settings: { flat_order: 12 } } as unknown as Revision;
  const before = { changed: [], settings: { flat_order: 15 } } as unknown as Revision;
  assert.deepEqual(steps(one, before).map(stepText), ["Flat normalization order: 15 → 12"]);
  assert.deepEqual(steps(one, undefined).map(stepText), ["Flat normalization order: → 12"]);
  assert.equal(settingName("a_new_one"), "A new one");
});

test("a SOAR id names its semester only where nothing stands beside it", () => {
  assert.equal(semesterIn("SOAR2026B-014"), "2026B");
  assert.equal(semesterIn("2019a-0234"), "2019A");
  assert.equal(semesterIn("120262B"), null);
  assert.equal(semesterIn("calibrate"), null);
});

test("nights are numbers without their dashes", () => {
  assert.equal(nightNumber("2026-11-09"), 20261109);
  assert.equal(nightNumber(""), null);
});

const row = (line: number, action: Row["action"], more: Partial<Row> = {}): Row => ({
  line, action, soar_id: "", email: "", new_user: false, letter: false, proposal: null, sentences: [], ...more,
});
const run = (rows: Row[]) => ({ dry_run: false, complete: rows.every((one) => one.action !== "left"), counts: {}, rows });

test("several runs of a roster are told as one: what the first created is not 'there already'", () => {
  const first = run([row(2, "create", { new_user: true, letter: true }), row(3, "left")]);
  const both = together(first, run([row(2, "unchanged"), row(3, "create")]));
  assert.deepEqual(both.rows.map((one) => one.action), ["create", "create"]);
  assert.equal(both.counts.create, 2);
  assert.equal(both.counts.letters, 1);
  assert.ok(both.complete);
});

test("rows that need somebody come first", () => {
  assert.deepEqual(sorted([row(2, "unchanged"), row(4, "refused"), row(3, "refused"), row(5, "create")]).map((one) => one.line), [3, 4, 5, 2]);
  assert.equal(wordOf("create", true), "Would be created");
  assert.match(TEMPLATE, /^soar_id,title,email,/);
});

test("the log goes on over short pages, and stops", async () => {
  const pages: Record<string, { results: { id: string }[]; next: string | null }> = {
    "": { results: [], next: "http://host/api/logs?before=a%3D1" },
    "a=1": { results: [{ id: "1" }], next: "http://host/api/logs?before=b" },
    b: { results: [{ id: "2" }], next: null },
  };
  const found = await gather(async (before) => pages[before ?? ""] as never, 2);
  assert.deepEqual(found.events.map((one) => one.id), ["1", "2"]);
  assert.equal(found.cursor, null);
  const endless = await gather(async () => ({ results: [], next: "http://host/?before=x" }) as never, 5, null, 3);
  assert.equal(endless.cursor, "x");
  assert.equal(cursorOf("no address"), null);
  assert.deepEqual(unknown([{ id: "2" }, { id: "1" }] as never, [{ id: "1" }] as never).map((one) => one.id), ["2"]);
});

const document: Document = {
  info: { title: "T", version: "1" },
  paths: {
    "/files/{identifier}": {
      get: {
        operationId: "show_file", summary: "Show a file", tags: ["files"], security: [{ token: [] }], responses: {},
        parameters: [
          { name: "identifier", in: "path", required: true, schema: { type: "integer" } },
          { name: "obstype", in: "query", schema: { type: "array", items: { type: "string" } } },
        ],
      },
      post: { operationId: "write", tags: ["files"], security: [{}, { token: [] }], responses: {} },
    },
    "/open": { get: { operationId: "open", tags: ["service"], security: [], responses: {} } },
  },
  components: { schemas: { Thing: { type: "object", properties: { email: { type: "string" }, kind: { enum: ["a", "b"] }, more: { type: "string" } }, required: ["email", "kind"] } } },
};

test("operations, and which need somebody signed in", () => {
  const [show, write, open] = operations(document);
  assert.ok(show && write && open);
  assert.deepEqual([show, write, open].map(needsToken), [true, false, false]);
  assert.deepEqual([show, write, open].map(takesToken), [true, true, false]);
  assert.ok(matches(show, "FILE show") && !matches(show, "comment"));
});

test("the curl line has the key's name and never a token, and quotes what is typed", () => {
  const [show, write] = operations(document);
  assert.ok(show && write);
  const filled = { path: { identifier: "1/2" }, query: { obstype: "ARC, SPECTRUM" }, header: {}, body: null };
  assert.equal(target(show, filled), "/files/1%2F2?obstype=ARC&obstype=SPECTRUM");
  assert.match(curl(show, filled, "http://host/api"), /"Authorization: Token \$KEY"/);
  assert.match(curl(write, { ...filled, body: '{"text": "it\'s"}' }, "http://host/api"), /-d '\{"text":"it'\\''s"\}'/);
});

test("an example has what is needed; types are told in words", () => {
  assert.deepEqual(example({ $ref: "#/components/schemas/Thing" }, document.components.schemas), { email: "astronomer@example.org", kind: "a" });
  assert.equal(typeWords({ type: "array", items: { $ref: "#/x/Thing" }, maxItems: 2 }), "list of Thing, at most 2");
  assert.equal(typeWords({ type: "integer", minimum: 1, maximum: 9_999_999_999_999 }), "integer, at least 1");
});


const failure = (id: string, more: Partial<Event> = {}): Event =>
  ({ id, night: 20261109, outcome: "failed", sentence: "No lines were found.", file_id: Number(id), file_name: `${id}.fits`, ...more }) as Event;

test("one failure is told in its own words, several as their number, a frame that fails twice once", () => {
  assert.equal(told([]), null);
  assert.deepEqual(told([failure("1")]), { text: "1.fits: failed. No lines were found.", file: 1, night: 20261109 });
  assert.deepEqual(told([failure("1"), failure("1")])?.file, 1);
  assert.deepEqual(told([failure("1"), failure("2", { night: 20261110 })]), { text: "2 frames failed.", file: null, night: 20261110 });
  assert.equal(told([failure("1"), failure("2", { outcome: "rejected" })])?.text, "2 frames failed or were rejected.");
  assert.equal(told([failure("1", { file_id: null, file_name: null })])?.text, "A step: failed. No lines were found.");
});

test("times say that they are UT", () => {
  const now = Date.parse("2026-11-09T12:00:00Z");
  assert.equal(universal("2026-11-09T04:31:07Z", now), "04:31:07 UT");
  assert.equal(universal("2026-11-01T04:31:07Z", now), "2026-11-01 04:31 UT");
  assert.equal(universal(null, now), "–");
});
