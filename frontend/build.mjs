// Bundles the page into dist/: content-hashed files under assets/, an index.html that names them, and the manual.
//
//   node build.mjs            once, minified; prints the sizes, and fails where the data page loads too much
//   node build.mjs --strict   fails where a link of the manual leads nowhere, too
//   node build.mjs --watch    again at every change, with source maps

import { context, build } from "esbuild";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { renderManual } from "./manual.mjs";
import { hashed } from "./hashed.mjs";

/** What the data page may load of script and style to show a spectrum and its image, in bytes after gzip. */
const BUDGET = 80_000;

const here = path.dirname(fileURLToPath(import.meta.url));
const watch = process.argv.includes("--watch");
const strict = process.argv.includes("--strict");
const dist = path.join(here, "dist");
// Made aside and then put in its place: who serves dist/ meanwhile never sees half a page.
const out = watch ? dist : path.join(here, `../build/page.${process.pid}`);

const common = {
  absWorkingDir: here,
  bundle: true,
  format: "esm",
  target: ["chrome111", "firefox113", "safari16.4"],
  minify: !watch,
  sourcemap: watch ? "linked" : false,
  legalComments: "none",
  logLevel: "warning",
  metafile: true,
  outdir: path.join(out, "assets"),
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
};

const absolute = (name) => path.join(here, name);
const address = (name) => "/" + path.relative(out, absolute(name));

/** Scripts that run beside the page: files of their own, whose hashed names the page has to know. */
async function single(entryPoint, more = {}) {
  const { metafile } = await build({ ...common, ...more, entryPoints: [entryPoint] });
  return Object.keys(metafile.outputs).find((name) => !name.endsWith(".map"));
}

/** Style sheets of pages that are fetched when they are first looked at. */
const STYLES = ["pages", "night", "search", "panels"];

/** A file with all that it imports at once. */
function closure(outputs, entryPoint) {
  const found = new Set([Object.keys(outputs).find((name) => outputs[name].entryPoint === entryPoint)]);
  for (const name of found) {
    for (const one of outputs[name].imports) if (one.kind === "import-statement") found.add(one.path);
  }
  return [...found];
}

/** The entry with all that it imports at once: these the data page loads, and the style. */
function atOnce({ outputs }) {
  const [entry, ...chunks] = closure(outputs, "src/main.tsx");
  return { entry, chunks, style: outputs[entry].cssBundle };
}

async function page(metafile, icon, first) {
  const { entry, chunks, style } = atOnce(metafile);
  const head = [
    `<script src="${address(first)}"></script>`,
    `<link rel="icon" type="image/svg+xml" href="/${icon}">`,
    style ? `<link rel="stylesheet" href="${address(style)}">` : "",
    ...chunks.map((name) => `<link rel="modulepreload" href="${address(name)}">`),
    `<script type="module" src="${address(entry)}"></script>`,
  ];
  const template = await readFile(path.join(here, "src/index.html"), "utf8");
  await writeFile(path.join(out, "index.html"), template.replace("<!-- assets -->", head.filter(Boolean).join("\n")));
}

async function size(name) {
  return gzipSync(await readFile(absolute(name)), { level: 9 }).length;
}

const line = (bytes, words) => console.log(`${(bytes / 1000).toFixed(1).padStart(7)} kB gzip  ${words}`);

/** Prints what each file weighs; the sum of what the data page loads. */
async function weigh(metafile, worker, first) {
  const { entry, chunks, style } = atOnce(metafile);
  const data = [entry, ...chunks, style, worker, first].filter(Boolean);
  const image = closure(metafile.outputs, "src/viewers/image/panel.tsx").filter((name) => !data.includes(name));
  const later = Object.keys(metafile.outputs).filter((name) => /\.(js|css)$/.test(name) && !data.includes(name));
  let total = 0;
  for (const name of data) {
    const bytes = await size(name);
    total += bytes;
    line(bytes, path.basename(name));
  }
  line(total, "script and style the data page begins with");
  for (const name of image) total += await size(name);
  line(total, `with what shows an image, of ${BUDGET / 1000} kB it may have`);
  for (const name of later.sort()) line(await size(name), `${path.basename(name)}, when it is wanted`);
  return total;
}

await rm(out, { recursive: true, force: true });
await mkdir(path.join(out, "assets"), { recursive: true });
try {
  const worker = await single("src/viewers/decoder.worker.ts");
  const first = await single("src/core/theme-first.ts", { format: "iife" });
  const icon = await hashed(out, "icon.svg", await readFile(path.join(here, "src/icon.svg")));
  const sheets = await Promise.all(STYLES.map(async (name) => [name, address(await single(`src/styles/${name}.css`))]));
  const options = {
    ...common,
    entryPoints: ["src/main.tsx"],
    jsx: "automatic",
    jsxImportSource: "preact",
    splitting: true,
    define: { DECODER: JSON.stringify(address(worker)), STYLES: JSON.stringify(Object.fromEntries(sheets)) },
    plugins: [{ name: "page", setup: (b) => b.onEnd((made) => made.errors.length || page(made.metafile, icon, first)) }],
  };
  const { chapters, dead } = await renderManual({ out, common, icon, script: address(first) });
  for (const sentence of dead) console.error(sentence);
  if (watch) {
    await (await context(options)).watch();
    console.log("Watching; Ctrl-C ends it.");
  } else {
    const { metafile } = await build(options);
    const total = await weigh(metafile, worker, first);
    if (chapters) console.log(`The manual has ${chapters} chapters.`);
    const old = `${out}.old`;
    await rename(dist, old).catch(() => undefined); // there may be none
    await rename(out, dist);
    await rm(old, { recursive: true, force: true });
    if (total > BUDGET) throw new Error(`The data page loads ${total} bytes of script and style; it may have ${BUDGET}.`);
    if (dead.length && strict) throw new Error("Links of the manual lead nowhere.");
  }
} catch (failure) {
  // esbuild has printed its own errors.
  if (!failure.errors) console.error(failure.message);
  if (!watch) await rm(out, { recursive: true, force: true });
  process.exitCode = 1;
}
