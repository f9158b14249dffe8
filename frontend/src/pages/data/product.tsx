// A product: what it is and how it stands, its picture, and what is known of it.

import { useEffect, useId, useState } from "preact/hooks";
import { api, intention } from "../../api/client";
import type { Accepted, FileRecord } from "../../api/types";
import { bytes, dataType, moment, title } from "../../core/format";
import { useHold } from "../../core/holding";
import { href } from "../../core/router";
import { user } from "../../core/session";
import { Badge, Button, Choice, Confirm, Status, Time } from "../../parts/controls";
import { Icon } from "../../parts/icons";
import { Loading } from "../../parts/states";
import { ImageViewer } from "../../viewers/image/viewer";
import type { Link } from "../../viewers/link";
import { SpectrumViewer } from "../../viewers/spectrum/viewer";
import { deletedOf, restore } from "./actions";
import type { Ask } from "./extract";
import { AUTO, awaited, CALIBRATED, EXTRACTED, lampFor, nameOfChoice, reached, targets, variants, type Node } from "./family";
import type { View } from "./view";

export const isSpectrum = (record: FileRecord): boolean => Number(record.data_type) >= Number(EXTRACTED);

/** What it is of, its status, what is special about it. */
export function Head({ view, record }: { view: View; record: FileRecord }) {
  const choice = view.choices.find((one) => one.variant === record.variant);
  return (
    <div class="headline product-head">
      <h2>{title(record)}</h2>
      <Status status={record.status} reason={record.status_reason} />
      {record.bad && <Badge kind="bad">marked bad</Badge>}
      {record.ancestor_deleted && <Badge kind="warn">made from a deleted file</Badge>}
      {record.target !== null && <Badge>target {record.target}</Badge>}
      {record.variant && record.variant !== AUTO && <Badge>{choice ? nameOfChoice(choice) : `choice ${record.variant.slice(0, 6)}`}</Badge>}
      {record.settings_revision !== null && record.settings_revision > 0 && <Badge>settings revision {record.settings_revision}</Badge>}
    </div>
  );
}

/** How the spectrograph was set, in few words; what is not in the light path is left out. */
function setup({ grating, wavmode, slit, filter, filter_2: second }: FileRecord): [string, string][] {
  const there = (...values: (string | null)[]) => values.filter((one) => one && !/^no_/i.test(one)).join(" + ");
  const parts: [string, string][] = [["grating", there(grating)], ["mode", there(wavmode)], ["slit", there(slit)], ["filter", there(filter, second)]];
  return parts.filter(([, words]) => words);
}

/** The product's own name, the setup, and from when it is. */
export function Facts({ view, record }: { view: View; record: FileRecord }) {
  return (
    <p class="soft product-facts">
      {record.id !== view.family.root.id && <span class="mono product-name">{record.file_name}</span>}
      {setup(record).map(([what, words]) => (
        <span key={what}>{what} {words}</span>
      ))}
      <span>changed <Time at={record.last_modified} full /></span>
      <span>{bytes(record.size)}</span>
    </p>
  );
}

/** Whether more is made of somebody's choice than what is shown, which is the last there is of it. */
const unfinished = ({ family }: View, { variant, data_type: type }: FileRecord): boolean =>
  family.root.obstype === "SPECTRUM" && type !== null && type < CALIBRATED && reached(family, variant ?? AUTO) === type;

/** Why it is as it is, in full, and what has to do with it. */
export function Told({ view, record }: { view: View; record: FileRecord }) {
  const choice = view.choices.find((one) => one.variant === record.variant);
  const told = record.status !== "done" || record.bad || record.superseded_by ? record.status_reason : "";
  return (
    <>
      {told && <p class={record.status === "provisional" ? "note warn" : "note"}>{told}</p>}
      {choice && choice.status !== "failed" && unfinished(view, record) && (
        <p class="progress note" role="status">
          <span class="spinner" aria-hidden="true" />
          {choice.status === "done" ? "" : `${choice.sentence} `}The wavelength calibration of the {nameOfChoice(choice)} is being made. It opens here by itself.
        </p>
      )}
      {record.superseded_by && (
        <p class="note warn">
          A later upload of the same name took its place. <a href={href("data", record.superseded_by)}>Open it</a>
        </p>
      )}
      {view.family.masters.map((master) => (
        <p key={master.id} class="soft">
          Part of <a class="mono" href={href("data", master.id, { list: "calibrations" })}>{master.file_name}</a>
        </p>
      ))}
    </>
  );
}

/** What failed, and the way to try it again. */
export function Failure({ view, ask, busy }: { view: View; ask: Ask; busy: boolean }) {
  const { root } = view.family;
  if (root.status !== "failed" && root.status !== "rejected") return null;
  const failure = view.records.find((one) => one.id === root.id)?.failure;
  const retry = (): void => {
    const once = intention();
    ask("The retry", () => api.post<Accepted>(`/files/${root.id}/retry`, undefined, { once }));
  };
  return (
    <div class="note bad failure" role="alert">
      <p>
        <strong>
          <Icon name="warning" /> {failure?.block && root.status === "failed" ? `${failure.block.toUpperCase()} failed` : root.status === "failed" ? "Failed" : "Rejected"}
        </strong>{" "}
        {failure?.sentence ?? root.status_reason}
      </p>
      {root.status === "failed" && (
        <Button icon="retry" kind="main" busy={busy} onClick={retry}>
          Retry
        </Button>
      )}
      {root.status === "failed" && failure?.retryable === false && <p>The same inputs will fail again.</p>}
    </div>
  );
}

interface SelectorProps {
  view: View;
  show: (node: Node) => void;
  ask: Ask;
}

/** Which target, and whose choice. */
export function Selectors({ view, show, ask }: SelectorProps) {
  const { family, node, choices } = view;
  const stage = family.stages.find((one) => one.type === view.tab);
  if (!stage || !node) return null;
  const lamps = family.root.obstype === "ARC" && stage.nodes.some((one) => lampFor(one));
  const offered = lamps ? [] : targets(stage, node.variant);
  const names = lamps ? [] : variants(family).filter((name) => stage.nodes.some((one) => one.variant === name));
  const pending = choices.filter((choice) => !names.includes(choice.variant) && choice.variant !== node.variant && choice.status !== "done");
  const choice = choices.find((one) => one.variant === node.variant);
  return (
    <>
      {lamps && (
        <Choice inline label="Lamp along the trace of" value={String(node.id)} change={(id) => jump(stage.nodes, Number(id), show)}
          options={stage.nodes.map((one) => [String(one.id), lampFor(one) || one.file_name] as const)} />
      )}
      {offered.length > 1 && (
        <div class="target-chips" role="group" aria-label="Target">
          {offered.map((one) => (
            <Button key={one.id} kind="quiet" aria-pressed={one.id === node.id} onClick={() => show(one)}>
              Target {one.target}
            </Button>
          ))}
        </div>
      )}
      {names.length > 1 && (
        <Choice inline label="Made" value={node.variant}
          change={(name) => {
            const found = stage.nodes.filter((one) => one.variant === name);
            const same = found.find((one) => one.target === node.target) ?? found[0];
            if (same) show(same);
          }}
          options={names.map((name) => {
            const made = choices.find((one) => one.variant === name);
            return [name, name === AUTO ? "automatically" : made ? `by the ${nameOfChoice(made)}` : `by choice ${name.slice(0, 6)}`] as const;
          })} />
      )}
      {choice && <TakeBack view={view} variant={choice.variant} name={nameOfChoice(choice)} ask={ask} sentence={`${choice.chosen_by}, ${moment(choice.chosen)}`} />}
      {pending.map((one) => (
        <span key={one.variant} class="pending">
          <Status status={one.status} reason={one.sentence} />
          <span>{nameOfChoice(one)}: {one.sentence}</span>
          <TakeBack view={view} variant={one.variant} name={nameOfChoice(one)} ask={ask} sentence="" />
        </span>
      ))}
    </>
  );
}

function jump(nodes: Node[], id: number, show: (node: Node) => void): void {
  const found = nodes.find((one) => one.id === id);
  if (found) show(found);
}

function TakeBack({ view, variant, name, sentence, ask }: { view: View; variant: string; name: string; sentence: string; ask: Ask }) {
  const [asking, setAsking] = useState(false);
  useHold(asking);
  const master = view.family.root.data_type === "1";
  const own = view.choices.some((one) => one.variant === variant && one.chosen_by === user.value?.username);
  const reason = master && !own && !user.value?.is_staff ? "Who asked for this master, or staff, take it back." : null;
  return (
    <>
      {sentence && <span class="soft">{sentence}</span>}
      <Button kind="quiet" icon="undo" reason={reason} onClick={() => setAsking(true)}>
        Take back
      </Button>
      {asking && (
        <Confirm title={`Take the ${name} back?`} yes="Take it back" danger close={() => setAsking(false)}
          run={() => {
            setAsking(false);
            ask("Taking the choice back", () => api.remove<Accepted>(`/files/${view.family.root.id}/choices/${variant}`));
          }}>
          <p>The files made for it disappear. The automatic ones stay. The same choice can be made again.</p>
        </Confirm>
      )}
    </>
  );
}

/** What stands in a tab whose product is not there yet. */
export function Awaited({ view, restored }: { view: View; restored: (id: number) => void }) {
  const { failed, sentence } = awaited(view.family);
  const gone = deletedOf(view.family.root.id, view.tab);
  return (
    <div class="state awaited">
      <Status status={failed ? "failed" : "waiting"} />
      <h2>{dataType(view.tab)}: {failed ? "not made" : "not there yet"}</h2>
      <p>{sentence}</p>
      {gone.map((one) => (
        <Button key={one.id} icon="undo" onClick={() => void restore(view.family.root.id, one.id, one.name, restored)}>
          Restore {one.name}
        </Button>
      ))}
      {!failed && gone.length === 0 && <p>It appears here by itself.</p>}
    </div>
  );
}

const OPEN = "goodman-frame-open";

/** The pictures: a spectrum with the frame it comes from below it, or an image. */
export function Viewers({ view, record, link, made }: { view: View; record: FileRecord; link: Link; made: (files: number[]) => void }) {
  if (record.status === "rejected") {
    return <p class="state">There is no picture of what could not be read as a frame. It can be downloaded as it came.</p>;
  }
  if (!isSpectrum(record)) return <ImageViewer record={record} link={link} made={made} />;
  return (
    <>
      <SpectrumViewer record={record} link={link} />
      {view.family.stages.some((stage) => stage.type === "2" && stage.nodes.length > 0) && (
        <Frame record={view.reduced} product={record.id} link={link} made={made} />
      )}
    </>
  );
}

function Frame({ record, product, link, made }: { record: FileRecord | undefined; product: number; link: Link; made: (files: number[]) => void }) {
  const [open, setOpen] = useState(() => localStorage.getItem(OPEN) !== "no");
  const id = useId();
  useEffect(() => localStorage.setItem(OPEN, open ? "yes" : "no"), [open]);
  return (
    <section class="frame-below">
      <h3>
        <button type="button" class="button quiet" aria-expanded={open} aria-controls={id} onClick={() => setOpen(!open)}>
          <Icon name={open ? "down" : "right"} />
          <span>Reduced frame</span>
        </button>
      </h3>
      <div id={id}>{open && (record ? <ImageViewer record={record} product={product} link={link} made={made} /> : <Loading what="Reading the frame" />)}</div>
    </section>
  );
}
