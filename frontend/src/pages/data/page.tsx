// The heart of the page: the list of files, the products of the one that is open, and everything known of them.

import { useEffect, useState } from "preact/hooks";
import { useKeys } from "../../core/keys";
import { following } from "../../core/live";
import { tell } from "../../core/notices";
import { go, href, place, type Query } from "../../core/router";
import { Button, Dialog } from "../../parts/controls";
import { useNarrow } from "../../parts/narrow";
import { filtersOf, inAddress, useFiles } from "./files";
import { FileList } from "./list";
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
  const stay: Query = { panel: panel === "view" ? null : panel, card: panel === "header" ? query.get("card") : null, ...lookIn(query) };
  useEffect(() => {
    following.value = id === null;
  }, [id]);

  const watched = useView(given !== undefined && id === null ? null : (id ?? files.newest?.id ?? null), query.get("tab"));
  const root = watched.view?.family.root.id ?? id;
  const step = (by: number): void => {
    const rows = files.shown.data?.results ?? [];
    const at = rows.findIndex((file) => file.id === root);
    const next = rows[at < 0 ? 0 : at + by];
    if (next) go(href("data", next.id, { ...inAddress(filters), ...stay }), { replace: id !== null });
    else if (at >= 0) tell("info", by > 0 ? "That is the last file of this page of the list." : "That is the newest file of this page of the list.");
  };
  useKeys("Data", [
    { key: "j", help: "next file of the list", run: () => step(1) },
    { key: "n", help: "next file of the list", run: () => step(1) },
    { key: "k", help: "previous file of the list", run: () => step(-1) },
    { key: "p", help: "previous file of the list", run: () => step(-1) },
    { key: "f", help: "follow the newest frame", run: () => go(href("data", { ...inAddress({ ...filters, page: 1 }), ...stay })) },
  ]);
  const list = (
    <FileList filters={filters} files={files} root={root} id={id} stay={stay} opened={() => setDrawer(false)} />
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
