// The 2-D viewer: loads what a file looks like and which targets were found on it, and shows them.

import { useMemo, useRef, useState } from "preact/hooks";
import { api } from "../../api/client";
import type { FileRecord, Overlay, Visualization } from "../../api/types";
import { useEvents, useResource } from "../../core/fetching";
import { Choice } from "../../parts/controls";
import { Empty, Failed, Loading } from "../../parts/states";
import { makeLink, type Link } from "../link";
import { isImage, load, pixelLimit } from "../preview";
import { extractions } from "./extractions";

export interface ImageViewerProps {
  record: FileRecord;
  /** Columns in view and cursor, shared with the plot of the spectrum. */
  link?: Link | undefined;
  /** Called with the ids of the files a re-extraction made. */
  made?: ((files: number[]) => void) | undefined;
  /** Of the canvas, CSS pixels. */
  height?: number | undefined;
  /** The spectrum shown beside: its extraction's targets are drawn, if the frame was extracted more than once. */
  product?: number | undefined;
}

export function ImageViewer({ record, link, made, height, product }: ImageViewerProps) {
  const own = useMemo(makeLink, []);
  const picture = useResource(`${record.id}-${record.sha256}`, async (signal) => {
    // What draws is fetched beside what is drawn: a page that shows no image does without.
    const [{ Panel, Levels }, preview] = await Promise.all([import("./panel"), load(record, signal)]);
    if (!isImage(preview)) throw new Error("This file is a spectrum: it has no image of its own.");
    return { of: record.id, Panel, levels: new Levels(preview, pixelLimit(record.saturation_value)) };
  }, { keep: true });
  // A file that is made anew keeps its old image, and what is being drawn on it, until the new one is there.
  const shown = picture.data?.of === record.id ? picture.data : undefined;
  const reduced = record.data_type === "2";
  const drawn = useResource(reduced ? `${record.id}-${record.last_modified}` : null, (signal) => extractionsOf(record, signal));
  // An extraction adds targets to a frame that itself stays; no news at all is what a lost connection leaves.
  const raw = (record.original_file ?? record.file_name ?? "").replace(/\.fits.*$/i, "");
  useEvents((events) => {
    if (!events.length || events.some((one) => /extract/i.test(one.block) && one.file_name?.includes(raw))) drawn.reload();
  });
  const [chosen, choose] = useState<string | null>(null);
  const last = useRef(record.id);
  if (last.current !== record.id) {
    last.current = record.id;
    if (chosen !== null) choose(null);
  }

  // A raw frame is there whatever its reduction waits for.
  if (record.data_type !== "0" && (record.status === "waiting" || record.status === "queued")) {
    return <Empty>There is no image yet. {record.status_reason ?? "It is in the queue."}</Empty>;
  }
  if (picture.error) return <Failed error={picture.error} retry={picture.reload} />;
  if (!shown) return <Loading what="Loading the image" />;
  const { Panel, levels } = shown;
  const all = drawn.data ?? [];
  const wanted = all.find((one) => one.key === chosen) ?? all.find((one) => one.files.some((file) => file.id === product)) ?? all[0];
  const overlays: Overlay[] = reduced ? (wanted?.files.map((one) => one.overlay) ?? []) : levels.preview.targets;
  const without = !reduced || drawn.data ? null : drawn.error ? "The targets of this frame could not be read: see below." : "The targets of this frame are being read.";
  return (
    <div class="image-viewer">
      <Panel key={record.id} record={record} levels={levels} overlays={overlays} without={without} link={link ?? own} made={made} height={height} titled={product === undefined} />
      {reduced && drawn.error ? <Failed error={drawn.error} retry={drawn.reload} /> : null}
      {all.length > 1 && wanted && (
        <Choice label="Targets drawn" inline value={wanted.key} change={choose} options={all.map((one) => [one.key, one.name] as const)} />
      )}
    </div>
  );
}

async function extractionsOf(record: FileRecord, signal: AbortSignal): Promise<{ key: string; name: string; files: Visualization["overlays"] }[]> {
  const { overlays } = await api.get<Visualization>(`/files/${record.id}/visualize`, {}, signal);
  return extractions(overlays).map((files) => {
    const key = files[0]?.variant ?? "auto";
    return { key, name: key === "auto" ? "Automatic extraction" : `Chosen extraction ${key.slice(0, 6)}`, files };
  });
}
