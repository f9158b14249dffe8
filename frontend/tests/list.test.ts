// The list of files of the data page: what its address asks for, and the way from file to file.

import assert from "node:assert/strict";
import { test } from "node:test";
import { asked, filtersOf, inAddress, selectionOf, sought } from "../src/pages/data/filters";
import { neighbour } from "../src/pages/data/neighbours";

const filters = (address: string) => filtersOf(new URLSearchParams(address));

test("a facet without a value comes along from the search, and is asked for with the empty text", () => {
  const given = filters("slit=~&grating=400_SYZY&grating=~&obstype=~");
  assert.equal(asked("/files", given, { page: 2 }), "/files?grating=400_SYZY&grating=&slit=&data_type=0&obstype=&page=2");
  assert.deepEqual(inAddress(given)["slit"], ["~"]);
  assert.deepEqual([selectionOf(given)["grating"], selectionOf(given)["obstype"]], [["400_SYZY", "~"], "~"]);
});

test("what narrows nothing is not asked for", () => {
  assert.equal(asked("/files", filters("")), "/files?data_type=0");
  assert.equal(asked("/files", filters("list=calibrations&proposal=")), "/files?data_type=1");
});

test("one letter is no search, and a text is as long as the service takes it", () => {
  assert.deepEqual(["", " a ", "ab", " ab c "].map(sought), ["", "", "ab", "ab c"]);
  assert.equal(filters(`q=${"x".repeat(99)}`).search.length, 80);
});

test("the next file is the one below, also of a file that is not in the rows", () => {
  const rows = [9, 7, 5, 3].map((id) => ({ id }));
  const step = (shown: number | null, by: number) => neighbour(rows, shown, by)?.id;
  assert.deepEqual([step(7, 1), step(7, -1), step(3, 1), step(9, -1)], [5, 9, undefined, undefined]);
  assert.deepEqual([step(6, 1), step(6, -1)], [5, 7]);
  assert.deepEqual([step(1, 1), step(1, -1), step(11, 1), step(11, -1)], [undefined, 3, 9, undefined]);
  assert.equal(step(null, 1), 9);
});
