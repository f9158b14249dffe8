// The heart of the page: the list of files, the products of the one that is open, and everything known of them.

import { useRef, useState } from "preact/hooks";
import { useKeys } from "../../core/keys";
import { sentence, tell } from "../../core/notices";
import { go, href, place, type Query } from "../../core/router";
import { Button, Dialog } from "../../parts/controls";
import { useNarrow } from "../../parts/narrow";
import { useFiles } from "./files";
import { filtersOf, inAddress } from "./filters";
import { FileList } from "./list";
import { neighbour, useNews } from "./neighbours";
import { Nothing, Opened } from "./opened";
import { PANELS } from "./panels";
import { useView } from "./view";

/** Narrower windows keep the list in a drawer. */
const DRAWER = 860;

/** How spectra and images are shown, but not where in one of them: that goes along from frame to frame. */
const LOOK = /^(s(smooth|z|lines|medium|axis|flux|step|band|sky|log)|i(stretch|lim|low|high|map|inv|mark|square))$/;
const lookIn = (query: URLSearchParams): Query => Object.fromEntries([...query].filter(([name]) => LOOK.test(name)));

export function DataPage() {
  const { parts, query } = place.value;
  const given = parts[1];
  const id = given !== undefined && /^\d{1,15}$/.test(given) ? Number(given) : null;
  const filters = filtersOf(query);
  const files = useFiles(filters);
  const narrow = useNarrow(DRAWER);
  const [drawer, setDrawer] = useState(false);
  const full = query.has("full");
  const panel = PANELS.some((one) => one.id === query.get("panel")) ? (query.get("panel") as string) : "view";
  const stay: Query = { panel: panel === "view" ? null : panel, card: panel === "header" ? query.get("card") : null, full, ...lookIn(query) };

  const watched = useView(given !== undefined && id === null ? null : (id ?? files.newest?.id ?? null), query.get("tab"));
  const root = watched.view?.family.root.id ?? id;
  const turning = useRef(false);
  const step = async (by: number): Promise<void> => {
    const open = (file: number, page: number): void =>
      go(href("data", file, { ...inAddress({ ...filters, page }), ...stay }), { replace: id !== null });
    const rows = files.shown.data?.results ?? [];
    const from = rows.some((file) => file.id === id) ? id : root; // what is shown may be a step behind the address
    const next = neighbour(rows, from, by);
    if (next) return open(next.id, filters.page);
    if (turning.current || !files.shown.data) return;
    turning.current = true;
    const here = place.value;
    try {
      const found = await files.beyond(by);
      const file = found && (neighbour(found.rows, from, by) ?? found.rows.at(by > 0 ? 0 : -1));
      if (place.value !== here) return; // somebody went elsewhere meanwhile
      if (file) open(file.id, found.page);
      else tell("info", by > 0 ? "That is the last file of the list." : "That is the newest file of the list.");
    } catch (failure) {
      tell("bad", sentence(failure));
    } finally {
      turning.current = false;
    }
  };
  const follow = (): void => go(href("data", { ...inAddress({ ...filters, page: 1 }), ...stay }));
  const fresh = useNews(files.list, files.newest, root, id === null);
  const news = (
    <div role="status" class={fresh ? "buttons" : "hidden"}>
      {fresh && <Button icon="down" onClick={follow}>{`New: ${fresh.file_name} (f)`}</Button>}
    </div>
  );
  useKeys("Data", [
    { key: "j", help: "next file of the list", run: () => void step(1) },
    { key: "n", help: "next file of the list", run: () => void step(1) },
    { key: "k", help: "previous file of the list", run: () => void step(-1) },
    { key: "p", help: "previous file of the list", run: () => void step(-1) },
    { key: "f", help: "follow the newest frame", run: follow },
  ]);
  const list = (
    <FileList filters={filters} files={files} root={root} id={id} stay={stay} news={news} opened={() => setDrawer(false)} />
  );
  return (
    <div class={full ? "data full" : "data"}>
      {!full && !narrow && <aside class="data-list" aria-label="Files">{list}</aside>}
      <article class="data-view" aria-busy={watched.loading}>
        {narrow && !full && (
          <div class="buttons">
            <Button icon="list" aria-expanded={drawer} aria-haspopup="dialog" onClick={() => setDrawer(true)}>Files</Button>
            {id === null && <span class="soft">Following the newest frame</span>}
          </div>
        )}
        {(full || (narrow && !drawer)) && news}
        {given !== undefined && id === null ? (
          <Nothing>“{given}” is no number of a file. <a href={href("data")}>To the newest frame</a></Nothing>
        ) : (
          <Opened watched={watched} id={id} panel={panel} full={full} none={files.shown.data?.results.length === 0 && !files.shown.loading}
            failed={id === null ? files.shown.error : undefined} />
        )}
      </article>
      {narrow && drawer && (
        <Dialog title="Files" close={() => setDrawer(false)}>
          <div class="data-drawer">{list}</div>
        </Dialog>
      )}
    </div>
  );
}
