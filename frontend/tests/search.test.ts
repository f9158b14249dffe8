import assert from "node:assert/strict";
import { test } from "node:test";
import type { FacetMenus, FileRecord } from "../src/api/types";
import { asked, changed as reselected, deletable, everything, has, NONE, tooLarge, tooMany } from "../src/pages/search/chosen";
import { addressOf, chips, listOf, menuOf, relaxations, selectionOf, wantedOf, withValue } from "../src/pages/search/wanted";

const wanted = (address: string) => wantedOf(new URLSearchParams(address));
const file = (id: number, data_type: string, size = 1000) => ({ id, data_type, size, file_name: `${id}.fits` }) as FileRecord;

test("what an address asks for goes back into the same address", () => {
  const address = "obstype=ARC&obstype=SPECTRUM&slit=%7E&proposal=SOAR2026B-014&first_night=20261101&last_night=20261130&search=abc&order=oldest&page_size=50&sort=-sn&open=12";
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(addressOf(wanted(address)))) {
    for (const one of Array.isArray(value) ? value : [value]) if (one !== null && one !== undefined && one !== "") query.append(name, String(one));
  }
  assert.deepEqual([...query].sort(), [...new URLSearchParams(address)].sort());
});

test("a facet without a value is asked for with the empty text", () => {
  assert.equal(selectionOf(wanted("slit=~")).toString(), "slit=");
});

test("a night alone is the first and the last one, with dashes or without", () => {
  assert.deepEqual([wanted("night=2026-11-09").first, wanted("night=20261109").last], ["20261109", "20261109"]);
});

test("what cannot be meant is left out rather than sent", () => {
  const found = wanted("page=-3&page_size=7&first_night=yesterday&open=x");
  assert.deepEqual([found.page, found.size, found.first, found.open], [1, 20, "", null]);
});

test("a search for a text has no page, and one letter is no search", () => {
  assert.equal(listOf(wanted("search=abc&page=3")).get("page"), null);
  assert.equal(listOf(wanted("search=a&page=3")).toString(), "page_size=20&page=3");
});

test("each chip's cross takes its own filter away and goes to the first page", () => {
  const found = chips(wanted("obstype=ARC&obstype=BIAS&data_type=4&night=20261109&page=3"));
  assert.deepEqual(found.map((one) => one.label), ["Night 2026-11-09", "Observation type: ARC", "Observation type: BIAS", "Data type: Wavelength calibrated"]);
  assert.deepEqual(found[1]?.without.facets, { obstype: ["BIAS"], data_type: ["4"] });
  assert.equal(found[1]?.without.page, 1);
});

test("a facet whose last value goes is no filter any more", () => {
  assert.deepEqual(withValue({ obstype: ["ARC"] }, "obstype", "ARC", false), {});
});

const menus = { count: 0, nights: 0, first_night: 20200101, last_night: 20261109, facets: { obstype: { ARC: 5, BIAS: 2 }, slit: {} } } as FacetMenus;

test("a menu shows a selected value that nothing has", () => {
  assert.deepEqual(menuOf(menus, wanted("obstype=FOCUS"), "obstype").map((one) => [one.value, one.count, one.on]), [["ARC", 5, false], ["BIAS", 2, false], ["FOCUS", 0, true]]);
});

test("an empty result says how many files there are without each filter", () => {
  const found = relaxations(menus, wanted("obstype=FOCUS&slit=x"));
  assert.deepEqual(found.map((one) => [one.label, one.count]), [["the filter observation type", 7]]);
});

test("everything is asked for by query, and never without a parameter", () => {
  const all = everything(wanted(""), { ...menus, count: 30 });
  assert.deepEqual(asked(all), { query: "first_night=20200101", body: {} });
  assert.equal(tooMany(all), null);
  assert.match(tooMany(everything(wanted(""), { ...menus, count: 250_000 })) ?? "", /At most 1,000 files .* 250,000/);
});

test("taking a row out of everything leaves the others of the page", () => {
  const page = [file(1, "0"), file(2, "2")];
  const all = everything(wanted("obstype=ARC"), { ...menus, count: 30 });
  const left = reselected(all, [page[0] as FileRecord], false, page);
  assert.deepEqual([has(left, 1), has(left, 2)], [false, true]);
});

test("raw files and, for observers, masters are not deleted, and it is said why", () => {
  const chosen = reselected(NONE, [file(1, "0"), file(2, "1"), file(3, "4")], true, []);
  const found = deletable(chosen, false);
  assert.deepEqual(found.files.map((one) => one.id), [3]);
  assert.deepEqual([found.left.length, found.reason], [2, null]);
  assert.deepEqual(deletable(chosen, true).files.map((one) => one.id), [2, 3]);
  assert.match(deletable(reselected(NONE, [file(1, "0")], true, []), true).reason ?? "", /never deleted/);
});

test("an archive that would be too large is refused beforehand", () => {
  assert.match(tooLarge(reselected(NONE, [file(1, "0", 9 * 2 ** 30)], true, [])) ?? "", /at most 8.59 GB/);
});
