// What the page shows of the file in the address: its family, the product, what was chosen for it; kept up to date.

import { useEffect, useMemo, useRef } from "preact/hooks";
import { api, Refused } from "../../api/client";
import type { Choices, Event, FileRecord, Lineage } from "../../api/types";
import { useEvents } from "../../core/fetching";
import { AUTO, familyOf, MASTER, meant, pick, RAW, REDUCED, type ChoiceMade, type Family, type Node } from "./family";
import { useFresh } from "./files";
import { forget, known, readRecord } from "./records";

export interface View {
  family: Family;
  /** The tab: a data type. */
  tab: string;
  /** The product that is shown; undefined: the stage is not there yet. */
  node: Node | undefined;
  record: FileRecord | undefined;
  /** The frame below a spectrum. */
  reduced: FileRecord | undefined;
  choices: ChoiceMade[];
  /** Of the raw's products, the records at hand. */
  records: FileRecord[];
}

export interface Watched {
  view: View | null;
  /** Something else than the view is on its way. */
  loading: boolean;
  error: unknown;
  /** The product in the address was there and is no more: its raw frame. */
  gone: number | null;
  refresh: () => void;
}

export function useView(id: number | null, tab: string | null): Watched {
  const lead = useFresh(id === null ? null : `lead ${id}`, (signal) => readRecord(id as number, signal));
  const file = lead.data?.id === id ? lead.data : id === null ? undefined : known(id);
  const rootId = file ? (file.data_type === RAW || file.data_type === MASTER ? file.id : file.original_file_id) : null;
  const lineage = useFresh(rootId === null ? null : `lineage ${rootId}`, (signal) =>
    api.get<Lineage>(`/files/${rootId}/lineage`, {}, signal),
  );
  const found = useMemo(() => (lineage.data ? familyOf(lineage.data) : null), [lineage.data]);
  const family = found && found.root.id === rootId ? found : null;
  const shown = family && file ? meant(family, file.id, tab) : null;
  // a lamp of another frame, or one of very many products, is shown though it is in no tab
  const stray = family && file && !family.members.has(file.id) ? file : undefined;
  const wanted = stray?.id ?? shown?.node?.id ?? null;
  const product = useFresh(wanted === null ? null : `record ${wanted}`, (signal) => readRecord(wanted as number, signal));
  const record = wanted === null ? undefined : product.data?.id === wanted ? product.data : known(wanted);

  const below =
    family && record && record.technique !== "Imaging" && Number(record.data_type) > Number(REDUCED)
      ? pick(family, REDUCED, { from: record.id, variant: record.variant ?? AUTO })
      : undefined;
  const frame = useFresh(below ? `reduced ${below.id}` : null, (signal) => readRecord(below?.id ?? 0, signal));
  const reduced = below ? (frame.data?.id === below.id ? frame.data : known(below.id)) : undefined;

  const chosen =
    family !== null &&
    ([...family.members.values()].some((node) => node.variant !== AUTO) ||
      (family.root.obstype === "SPECTRUM" && !["done", "provisional"].includes(family.root.status)));
  const choices = useFresh(chosen ? `choices ${rootId}` : null, (signal) =>
    api.get<Choices>(`/files/${rootId}/choices`, {}, signal),
  );

  const ids = useRef(new Set<number>());
  ids.current = new Set([...(family?.members.keys() ?? []), ...(id === null ? [] : [id]), ...(wanted ? [wanted] : [])]);
  const refresh = (): void => {
    ids.current.forEach(forget);
    lead.refresh();
    lineage.refresh();
    if (wanted !== id) product.refresh();
    choices.refresh();
  };
  useEvents((events) => {
    if (events.length === 0 || events.some((event) => concerns(event, family, ids.current))) refresh();
  });
  useEffect(() => {
    // the record that leads and the product are one file: what is read of one is the other's
    if (lead.data && lead.data.id === wanted && product.data?.id === wanted && product.data !== lead.data) product.set(lead.data);
  }, [lead.data]);

  const last = useRef<View | null>(null);
  if (family && shown && (record || (!stray && !shown.node))) {
    last.current = {
      family,
      tab: stray?.data_type ?? shown.tab,
      node: stray ? undefined : shown.node,
      record,
      reduced,
      choices: chosen ? (choices.data?.results ?? []) : [],
      records: [...new Map([known(family.root.id), reduced, record].flatMap((one) => (one ? [[one.id, one]] : []))).values()],
    };
  }
  const settled = last.current?.family === family && family !== null && (record?.id ?? null) === wanted;
  const error =
    (file ? undefined : lead.error) ?? (family ? undefined : lineage.error) ?? (record || wanted === null ? undefined : product.error);
  const gone = file && rootId !== file.id && lead.error instanceof Refused && lead.error.status === 404 ? rootId : null;
  return { view: id === null ? null : last.current, loading: id !== null && !settled && !error, error, gone, refresh };
}

function concerns(event: Event, family: Family | null, ids: ReadonlySet<number>): boolean {
  if (event.file_id !== null) return ids.has(event.file_id);
  return family?.root.data_type === MASTER && event.night === family.root.night; // pools' events name no file
}
