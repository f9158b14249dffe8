// Files whose name changes with their content: browsers may keep them for ever.

import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import path from "node:path";

/** Writes `content` below assets/ of `out`; the path from there. */
export async function hashed(out, name, content) {
  const { name: stem, ext } = path.parse(name);
  const mark = createHash("sha256").update(content).digest("hex").slice(0, 8);
  const found = `assets/${stem}-${mark}${ext}`;
  await writeFile(path.join(out, found), content);
  return found;
}
