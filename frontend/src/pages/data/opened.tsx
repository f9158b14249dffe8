// The file that is open: tabs of its products, what can be done with them, their pictures and panels.

import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { Accepted } from "../../api/types";
import { dataType } from "../../core/format";
import { holding } from "../../core/holding";
import { useJob } from "../../core/jobs";
import { useKeys } from "../../core/keys";
import { tell } from "../../core/notices";
import { amend, go, href, place, type Query } from "../../core/router";
import { useTitle } from "../../core/title";
import { Button, Tabs } from "../../parts/controls";
import { useNarrow } from "../../parts/narrow";
import { Empty, Failed, Loading } from "../../parts/states";
import { makeLink } from "../../viewers/link";
import { Actions, download } from "./actions";
import { Progress, type Ask } from "./extract";
import { AUTO, best, MASTER, newest, pick, RAW, reached, type Family, type Node } from "./family";
import { Panel, PANELS } from "./panels";
import { Awaited, Facts, Failure, Head, Selectors, Told, Viewers } from "./product";
import type { Watched } from "./view";

/** Narrower windows show either the picture or a panel. */
const SIDE_BY_SIDE = 1400;

export function Nothing({ children }: { children: ComponentChildren }) {
  return (
    <>
      <h1 class="hidden">Data</h1>
      <Empty>{children}</Empty>
    </>
  );
}

interface OpenedProps {
  watched: Watched;
  /** The file in the address; null: the newest is followed. */
  id: number | null;
  panel: string;
  full: boolean;
  none: boolean;
  failed: unknown;
}

export function Opened({ watched, id, panel, full, none, failed }: OpenedProps) {
  const { view, error, loading, refresh } = watched;
  const root = view?.family.root.id;
  const link = useMemo(() => makeLink(), [root]);
  const beside = !useNarrow(SIDE_BY_SIDE);
  const remembered = useRef<Node | undefined>(undefined);
  if (view?.node && view.node.data_type !== RAW) remembered.current = view.node;

  const wanted = useRef<{ root: number; files: readonly number[] } | undefined>(undefined);
  const asked = useRef<{ root: number; what: string; before?: string | undefined }>({ root: 0, what: "" });
  const made = (ids: readonly number[], of: number): void => {
    wanted.current = { root: of, files: ids };
    refresh();
  };
  const { job, busy: busyAnywhere, ask } = useJob((ids, done) => {
    if (done.kind === "master" && ids[0] && asked.current.root === root) go(href("data", ids[0], { list: "calibrations" }));
    else made(["reduce", "extract", "wavelength"].includes(done.kind) ? ids : [], asked.current.root);
  });
  const askFor: Ask = (what: string, work: () => Promise<Accepted>) => {
    const last = asked.current;
    asked.current = { root: root ?? 0, what, before: job?.id };
    void ask(what, () =>
      work().catch((failure: unknown) => {
        asked.current = last;
        throw failure;
      }),
    );
  };
  // What was asked of one frame is neither told of another one nor in its way.
  const ours = asked.current.root === root;
  const busy = busyAnywhere && ours;
  const progress = ours && job?.id !== asked.current.before ? job : null;
  const made2d = (ids: number[]): void => made(ids, root ?? 0);

  const object = view?.record?.object;
  const name = view?.record?.file_name ?? view?.family.root.file_name;
  useTitle(name && object ? `${name} ${object}` : name);

  const show = (node: Node): void => {
    if (!view) return;
    // who follows goes on following, in the same tab
    const plain = id === null && pick(view.family, node.data_type)?.id === node.id;
    if (plain) amend({ tab: node.data_type === newest(view.family).type ? null : node.data_type });
    else openNode(node, view.family);
  };
  useStaying(watched, id);
  useArrival(view, id, wanted, loading);
  useEffect(() => {
    if (watched.gone === null) return;
    tell("info", "The file that was open is not there any more: it was deleted, or the choice it was made for taken back.");
    go(href("data", watched.gone, present()), { replace: true });
  }, [watched.gone]);
  const shift = (by: number): void => {
    if (!view) return;
    const at = view.family.stages.findIndex((stage) => stage.type === view.tab);
    const next = view.family.stages[at + by];
    if (next) change(next.type);
  };
  const change = (type: string): void => {
    if (!view) return;
    const before = remembered.current;
    const known = before && view.family.members.has(before.id) ? before : undefined;
    const node = pick(view.family, type, { from: view.node?.id, variant: known?.variant, target: known?.target });
    if (node) show(node);
    else if (id === null) amend({ tab: type });
    else go(href("data", view.family.root.id, { ...present(), tab: type }), { replace: true });
  };
  useKeys("Products", [
    { key: "[", help: "the product to the left", run: () => shift(-1) },
    { key: "]", help: "the product to the right", run: () => shift(1) },
    { key: "D", help: "download the file", run: () => void (view?.record && download(view.record.id)) },
    ...(full ? [{ key: "Escape", help: "leave the wide view", run: () => amend({ full: null }) }] : []),
  ]);

  if (error ?? failed) {
    return (
      <>
        <h1 class="hidden">Data</h1>
        <Failed error={error ?? failed} retry={refresh} />
      </>
    );
  }
  if (!view && none) return <Nothing>No frame is open. Choose one from the list, or wait for the next: it opens by itself.</Nothing>;
  if (!view) {
    return (
      <>
        <h1 class="hidden">Data</h1>
        <Loading what="Looking for the frame" />
      </>
    );
  }
  const { record, family } = view;
  const restored = (back: number): void => {
    go(href("data", back, present()), { replace: true });
    refresh();
  };
  const tabs = family.stages.map((stage) => ({
    id: stage.type,
    label: dataType(stage.type),
    mark: stage.nodes.length === 0 ? <span class="soft">not yet</span> : undefined,
  }));
  const viewer = record && <Viewers view={view} record={record} link={link} made={made2d} />;
  if (full) {
    return (
      <section class="full-view" aria-label="Advanced visualization">
        <div class="headline">
          <h1 class="mono data-name">{family.root.file_name}</h1>
          <h2>{dataType(view.tab)}{record?.target ? `, target ${record.target}` : ""}</h2>
          <span class="space" />
          <Button icon="close" onClick={() => amend({ full: null })}>Leave the wide view (Esc)</Button>
        </div>
        {viewer ?? <Awaited view={view} restored={restored} />}
      </section>
    );
  }
  return (
    <>
      <div class="headline">
        <h1 class="mono data-name">{family.root.file_name}</h1>
        {record && <Head view={view} record={record} />}
      </div>
      <div class="product-bar">
        <Tabs label="Products of this frame" panel="product" tabs={tabs} current={view.tab} change={change} />
        {record && (
          <Actions family={family} record={record} ask={askFor} busy={busy} restored={restored}
            deleted={() => { go(href("data", family.root.id, present()), { replace: true }); refresh(); }} />
        )}
      </div>
      <section class={loading ? "product stale" : "product"} role="tabpanel" id="product" aria-labelledby={`product-${view.tab}`}>
        <Failure view={view} ask={askFor} busy={busy} />
        {record ? (
          <>
            <Told view={view} record={record} />
            <Progress what={asked.current.what} job={progress} />
            <div class="product-bar">
              <Tabs label="What is known of it" panel="side" current={panel}
                tabs={[{ id: "view", label: "View" }, ...PANELS.map((one) => ({ ...one, count: one.id === "comments" ? record.comments : undefined }))]}
                change={(next) => amend({ panel: next === "view" ? null : next })} />
              <div class="selectors">
                <Selectors view={view} show={show} ask={askFor} />
                <Facts view={view} record={record} />
              </div>
            </div>
            <div class={panel !== "view" && beside ? "sides two" : "sides"}>
              {(panel === "view" || beside) && (
                <div class="side-view" {...(panel === "view" ? { role: "tabpanel", id: "side", "aria-labelledby": "side-view" } : {})}>{viewer}</div>
              )}
              {panel !== "view" && (
                <div class="side-panel" role="tabpanel" id="side" aria-labelledby={`side-${panel}`} tabIndex={beside ? 0 : undefined}>
                  <Panel id={panel} record={record} family={view.records} />
                </div>
              )}
            </div>
          </>
        ) : (
          <>
            <Progress what={asked.current.what} job={progress} />
            <Awaited view={view} restored={restored} />
          </>
        )}
      </section>
    </>
  );
}

/** The address' parameters that stay when another product is opened. */
function present(): Query {
  const { query } = place.value;
  const kept: Query = {};
  for (const name of new Set(query.keys())) if (name !== "tab") kept[name] = query.getAll(name);
  return kept;
}

function openNode(node: Node, family: Family | undefined): void {
  const raw = node.id === family?.root.id && node.data_type !== MASTER;
  go(href("data", node.id, { ...present(), tab: raw ? RAW : null }), { replace: true });
}

/**
 * What somebody is working on stays: its own address is opened, which nothing that comes changes. Only when they begin:
 * who then goes elsewhere, or follows again, means it.
 */
function useStaying({ view, loading }: Watched, id: number | null): void {
  const held = holding.value;
  useEffect(() => {
    if (!holding.peek() || !view?.node) return;
    const { family, node } = view;
    if (loading && id !== null && !family.members.has(id)) return; // another file is being opened
    const own = id === node.id && (node.id !== family.root.id || node.data_type === MASTER || place.value.query.get("tab") === RAW);
    if (own) return;
    if (id === null) tell("info", "Following is paused while you edit; press f to follow again.");
    openNode(node, family);
  }, [held, view?.node?.id]);
}

/** Opens what was asked for as soon as it is there, and a newer product for who was looking at the newest of its variant. */
function useArrival(
  view: Watched["view"],
  id: number | null,
  wanted: { current: { root: number; files: readonly number[] } | undefined },
  loading: boolean,
): void {
  const before = useRef<{ root: number; reached: string; shown: string; variant: string } | undefined>(undefined);
  useEffect(() => {
    if (!view || loading) return;
    const { family, tab } = view;
    const last = before.current;
    const variant = view.node?.variant ?? AUTO;
    const latest = reached(family, variant);
    before.current = { root: family.root.id, reached: latest, shown: tab, variant };
    if (holding.peek()) return; // and afterwards only what comes then
    const waited = wanted.current;
    if (waited && waited.files.length > 0) {
      const found = waited.root === family.root.id ? best(family, waited.files) : undefined;
      if (found || waited.root !== family.root.id) wanted.current = undefined;
      if (found) return openNode(found, family);
    }
    const product = id !== null && id !== family.root.id;
    const same = last?.root === family.root.id && last.variant === variant && last.shown === tab;
    if (product && same && tab === last.reached && latest > tab) {
      const next = pick(family, latest, { from: id, variant, target: view.node?.target });
      if (next?.variant === variant) openNode(next, family);
    }
  }, [view, loading]);
}
