// Bundles every tests/*.test.ts and runs them with Node's own test runner: `node tests/run.mjs [part of a name]`.

import { build } from "esbuild";
import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const wanted = process.argv[2] ?? "";
const entryPoints = (await readdir(here)).filter((name) => name.endsWith(".test.ts") && name.includes(wanted)).map((name) => path.join(here, name));
if (!entryPoints.length) {
  console.error(`No test file has "${wanted}" in its name.`);
  process.exit(2);
}
const outdir = await mkdtemp(path.join(tmpdir(), "goodman-page-tests-"));
let status = 1;
try {
  const made = await build({
    entryPoints,
    outdir,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    outExtension: { ".js": ".mjs" },
    sourcemap: "inline",
    jsx: "automatic",
    jsxImportSource: "preact",
    logLevel: "warning",
    metafile: true,
  });
  const files = Object.keys(made.metafile.outputs).filter((name) => name.endsWith(".mjs")).map((name) => path.resolve(name));
  status = spawnSync(process.execPath, ["--enable-source-maps", "--test", ...files], { stdio: "inherit", cwd: path.dirname(here) }).status ?? 1;
} finally {
  await rm(outdir, { recursive: true, force: true });
}
process.exit(status);
