// From a file's record to what is drawn: fetched once, kept in the browser by the file's checksum, decoded in a worker.

import { api } from "../api/client";
import type { FileRecord, Visualization } from "../api/types";
import { onEnd, PREVIEWS } from "../core/session";
import type { ImagePreview, Preview, SpectrumPreview } from "./container";
import type { Delivery, Order } from "./decoder.worker";

declare const DECODER: string;

const CACHE = PREVIEWS;
/** An earlier one did not tell sizes. */
const OLD_CACHE = "goodman-previews-1";
/** Bytes of previews kept on disk, and of decoded ones in memory. */
const MOST_KEPT = 300e6;
const MOST_DECODED = 96e6;
/** After so many new bytes on disk the old ones are looked through. */
const PRUNED_AFTER = 20e6;
const SIZE = "X-Bytes";

let worker: Worker | undefined;
let orders = 0;
const waiting = new Map<number, { resolve: (preview: Preview) => void; reject: (failure: Error) => void }>();

function decoder(): Worker {
  if (worker) return worker;
  worker = new Worker(DECODER, { type: "module" });
  worker.addEventListener("message", (event: MessageEvent<Delivery>) => {
    const order = waiting.get(event.data.id);
    waiting.delete(event.data.id);
    if ("failure" in event.data) order?.reject(new Error(event.data.failure));
    else order?.resolve(event.data.preview);
  });
  worker.addEventListener("error", () => {
    for (const order of waiting.values()) order.reject(new Error("The picture could not be decoded."));
    waiting.clear();
    worker = undefined;
  });
  return worker;
}

function decoded(order: Omit<Order, "id">): Promise<Preview> {
  return new Promise((resolve, reject) => {
    const id = ++orders;
    waiting.set(id, { resolve, reject });
    decoder().postMessage({ id, ...order } satisfies Order, [order.bytes]);
  });
}

async function cache(): Promise<Cache | null> {
  try {
    return await caches.open(CACHE); // not there without https, and in some private windows
  } catch {
    return null;
  }
}

async function fetched(record: FileRecord, signal: AbortSignal): Promise<ArrayBuffer> {
  const mine = epoch;
  const kept = await cache();
  const key = `/previews/${record.data_type === "0" ? "raw-" : ""}${record.sha256}`;
  const found = record.sha256 ? await kept?.match(key) : undefined;
  if (found) return found.arrayBuffer();
  const url = await addressOf(record, signal);
  const answer = await fetch(url, { signal, credentials: "omit", referrerPolicy: "no-referrer" }).catch((failure: unknown) => {
    if (failure instanceof DOMException && failure.name === "AbortError") throw failure;
    throw new Error("The picture could not be fetched. Is the network up?");
  });
  if (!answer.ok) throw new Error(`The picture could not be fetched (the storage answered ${answer.status}).`);
  const bytes = await answer.arrayBuffer();
  if (record.sha256 && kept && mine === epoch) {
    void keep(kept, key, bytes.slice(0)).catch(() => undefined); // a full disk is no failure
  }
  return bytes;
}

/** Bytes put on disk since the old ones were looked through; at first that is not known. */
let added = Infinity;

async function keep(kept: Cache, key: string, bytes: ArrayBuffer): Promise<void> {
  const size = bytes.byteLength;
  await kept.put(key, new Response(bytes, { headers: { [SIZE]: String(size) } }));
  added += size;
  if (added < PRUNED_AFTER) return;
  added = 0;
  await caches.delete(OLD_CACHE);
  let held = 0;
  for (const one of [...(await kept.keys())].reverse()) {
    held += Number((await kept.match(one))?.headers.get(SIZE));
    if (held > MOST_KEPT) await kept.delete(one);
  }
}

let epoch = 0;

// Nothing of what was looked at stays when somebody signs out; the cache on the disk goes in core/session.ts.
onEnd(() => {
  epoch += 1;
  recent.clear();
  added = Infinity;
});

async function addressOf(record: FileRecord, signal: AbortSignal): Promise<string> {
  if (record.data_type === "0") return (await api.get<{ url: string }>(`/files/${record.id}/download`, {}, signal)).url;
  const shown = await api.get<Visualization>(`/files/${record.id}/visualize`, {}, signal);
  if (!shown.preview) throw new Error("There is no preview of this file yet.");
  return shown.preview.url;
}

const recent = new Map<string, Preview>();

/** ADU from which a raw pixel is saturated: the record has half of the full well, and the converter ends at 65535. */
export const pixelLimit = (half: number | null): number | null => (half === null ? null : Math.min(65535, 2 * half));

/** What a file looks like. A raw frame is read from its FITS file itself, everything else from its preview. */
export async function load(record: FileRecord, signal: AbortSignal): Promise<Preview> {
  const key = `${record.id}-${record.sha256}`;
  const known = recent.get(key);
  if (known) {
    recent.delete(key);
    recent.set(key, known);
    return known;
  }
  const mine = epoch;
  const form = record.data_type === "0" ? "fits" : "preview";
  const preview = await decoded({ form, bytes: await fetched(record, signal), saturation: pixelLimit(record.saturation_value) });
  if (mine !== epoch) return preview;
  recent.set(key, preview);
  let held = 0;
  // The last looked at are kept, the one just read in any case.
  for (const [old, one] of [...recent].reverse()) {
    held += weight(one);
    if (old !== key && held > MOST_DECODED) recent.delete(old);
  }
  return preview;
}

/** Bytes of a decoded preview. */
function weight(preview: Preview): number {
  // a spectrum's other columns: as many bytes, or twice as many, each
  if (preview.kind === "spectrum") return 10 * preview.flux.byteLength;
  const levels = (preview.survey?.levels ?? []).flatMap(({ grid, mask }) => [grid.steps, mask]);
  const arrays = new Set([...preview.grids.map((grid) => grid.steps), preview.mask, ...levels]);
  return [...arrays].reduce((sum, one) => sum + (one?.byteLength ?? 0), 0);
}

export const isImage = (preview: Preview): preview is ImagePreview => preview.kind === "image";
export const isSpectrum = (preview: Preview): preview is SpectrumPreview => preview.kind === "spectrum";
