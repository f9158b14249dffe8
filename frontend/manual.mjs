// The user manual: docs/user-manual/*.md becomes manual/*.html, with navigation, its own small style, and its pictures.

import { build } from "esbuild";
import { Marked } from "marked";
import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const source = path.join(here, "../docs/user-manual");
const PICTURES = "pictures";
const FIRST = ["index.md", "README.md"];

const escaped = (text) => text.replace(/[&<>"]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[sign]);
const htmlName = (name) => (FIRST.includes(name) ? "index.html" : name.replace(/\.md$/, ".html"));

/** Anchors as GitHub makes them, so that the same links work there and here. */
function slugs() {
  const seen = new Map();
  return (text) => {
    const plain = text.replace(/<[^>]*>/g, "").replace(/&[a-z]+;|&#\d+;/g, "");
    const slug = plain.trim().toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "").replace(/\s/g, "-");
    const times = seen.get(slug) ?? 0;
    seen.set(slug, times + 1);
    return times ? `${slug}-${times}` : slug;
  };
}

/** One chapter, with its links to check. */
function rendered(name, text, known) {
  const slug = slugs();
  const anchors = new Set();
  const links = [];
  let title = "";
  let heading = "";
  const named = new Map();
  /** A region's name: what it is, the heading above, and a number where there are several of the kind below it. */
  const label = (what) => {
    const name = `${what}: ${heading || "at the top"}`;
    const many = (named.get(name) ?? 0) + 1;
    named.set(name, many);
    return many > 1 ? `${name}, ${many}` : name;
  };
  const target = (href) => {
    if (/^([a-z]+:|\/|#)/i.test(href)) {
      if (href.startsWith("#")) links.push({ name, file: name, anchor: href.slice(1) });
      return href;
    }
    const [file, anchor] = href.split("#", 2);
    const found = path.posix.normalize(file);
    if (!known.has(found) || (anchor && found.endsWith(".md"))) links.push({ name, file: found, anchor });
    return (found.endsWith(".md") ? htmlName(found) : found) + (anchor ? `#${anchor}` : "");
  };
  const marked = new Marked({ gfm: true }).use({
    renderer: {
      heading({ tokens, depth }) {
        const inner = this.parser.parseInline(tokens);
        const id = slug(inner);
        anchors.add(id);
        heading = inner.replace(/<[^>]*>/g, "");
        if (depth === 1 && !title) title = inner.replace(/<[^>]*>/g, "");
        return `<h${depth} id="${id}">${inner}</h${depth}>\n`;
      },
      link({ href, tokens }) {
        return `<a href="${escaped(target(href))}">${this.parser.parseInline(tokens)}</a>`;
      },
      image({ href, text: words }) {
        const found = escaped(target(href));
        return `<a class="picture" href="${found}"><img src="${found}" alt="${escaped(words)}" loading="lazy"></a>`;
      },
      code({ text }) {
        // It scrolls by itself where it is too wide: with the keyboard, too.
        return `<pre tabindex="0" role="region" aria-label="${label("Example")}"><code>${escaped(text)}</code></pre>\n`;
      },
      table(token) {
        // As marked does it, in a frame that scrolls by itself on a narrow screen.
        const cell = (one, tag) => `<${tag}>${this.parser.parseInline(one.tokens)}</${tag}>`;
        const row = (cells, tag) => `<tr>${cells.map((one) => cell(one, tag)).join("")}</tr>`;
        const body = token.rows.map((cells) => row(cells, "td")).join("");
        const head = token.header.some((one) => one.text) ? `<thead>${row(token.header, "th")}</thead>` : "";
        return `<div class="scroll" tabindex="0" role="region" aria-label="${label("Table")}"><table>${head}<tbody>${body}</tbody></table></div>\n`;
      },
    },
  });
  const body = marked.parse(text);
  return { name, body, title: title || name, anchors, links };
}

function whole(chapter, chapters, assets) {
  const at = chapters.indexOf(chapter);
  const entry = (one) =>
    `<li><a href="${htmlName(one.name)}"${one === chapter ? ' aria-current="page"' : ""}>${one.title}</a></li>`;
  const step = (one, word) => (one ? `<a rel="${word.toLowerCase()}" href="${htmlName(one.name)}">${word}: ${one.title}</a>` : "<span></span>");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${chapter.title} · Goodman Live manual</title>
<script src="${assets.script}"></script>
<link rel="icon" type="image/svg+xml" href="/${assets.icon}">
<link rel="stylesheet" href="${assets.style}">
</head>
<body>
<a class="skip" href="#content">To the content</a>
<header><a href="/">Goodman Live</a> <span>User manual</span></header>
<nav aria-label="Chapters"><ol>${chapters.map(entry).join("")}</ol></nav>
<main id="content" tabindex="-1">
${chapter.body}
</main>
<footer><nav aria-label="Next and previous chapter">${step(chapters[at - 1], "Previous")}${step(chapters[at + 1], "Next")}</nav></footer>
</body>
</html>
`;
}

async function files(folder) {
  return readdir(folder, { withFileTypes: true }).then(
    (entries) => entries.filter((one) => one.isFile() && !one.name.startsWith(".")).map((one) => one.name).sort(),
    () => [],
  );
}

/** Writes the manual below `out`; how many chapters it has, and the links that lead nowhere, a sentence each. */
export async function renderManual({ out, common, icon, script }) {
  const names = (await files(source)).filter((name) => name.endsWith(".md"));
  if (!names.length) return { chapters: 0, dead: [] };
  const pictures = (await files(path.join(source, PICTURES))).filter((name) => /\.(png|jpe?g|svg|webp)$/.test(name));
  const known = new Set([...names, ...pictures.map((name) => `${PICTURES}/${name}`)]);
  // The contents come first, and say the order of the others.
  const first = names.find((name) => FIRST.includes(name));
  const order = first ? await readFile(path.join(source, first), "utf8") : "";
  const place = (name) => (name === first ? -1 : order.includes(`(${name}`) ? order.indexOf(`(${name}`) : order.length);
  names.sort((one, other) => place(one) - place(other) || (one < other ? -1 : 1));
  const chapters = [];
  for (const name of names) chapters.push(rendered(name, await readFile(path.join(source, name), "utf8"), known));
  if (!FIRST.includes(names[0])) chapters.unshift(contents(chapters));
  const anchors = new Map(chapters.map((one) => [one.name, one.anchors]));
  const dead = chapters
    .flatMap((one) => one.links)
    .filter(({ file, anchor }) => !known.has(file) || (anchor && !anchors.get(file)?.has(anchor)))
    .map(({ name, file, anchor }) => `docs/user-manual/${name} leads to ${file}${anchor ? `#${anchor}` : ""}, which the manual does not have.`);
  const made = await build({ ...common, entryPoints: ["src/manual/manual.css"] });
  const style = Object.keys(made.metafile.outputs).find((name) => name.endsWith(".css"));
  const assets = { icon, style: "/assets/" + path.basename(style), script };
  await mkdir(path.join(out, "manual", PICTURES), { recursive: true });
  for (const chapter of chapters) await writeFile(path.join(out, "manual", htmlName(chapter.name)), whole(chapter, chapters, assets));
  for (const name of pictures) await cp(path.join(source, PICTURES, name), path.join(out, "manual", PICTURES, name));
  return { chapters: chapters.length, dead };
}

function contents(chapters) {
  const body = `<h1 id="manual">User manual</h1><ol>${chapters.map((one) => `<li><a href="${htmlName(one.name)}">${one.title}</a></li>`).join("")}</ol>`;
  return { name: FIRST[0], body, title: "Contents", anchors: new Set(), links: [] };
}
