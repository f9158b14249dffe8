// The columns of the table of files: what they show, and how the rows of a page are sorted by them.

import type { ComponentChildren } from "preact";
import type { FileRecord } from "../../api/types";
import { bytes, dataType, figure, fixed, nightName } from "../../core/format";
import { href, type Query } from "../../core/router";
import { Status, Time } from "../../parts/controls";
import { FileName } from "../../parts/filename";

export interface Column {
  id: string;
  label: string;
  /** Shown unless the reader chose otherwise. */
  usual: boolean;
  /** Told on hover of the heading. */
  help?: string;
  right?: boolean;
  value: (record: FileRecord) => string | number | null;
  show?: (record: FileRecord, list: Query) => ComponentChildren;
}

export const COLUMNS: Column[] = [
  { id: "file_name", label: "File name", usual: true, value: (r) => r.file_name, show: (r, list) => <FileLink record={r} list={list} /> },
  { id: "data_type", label: "Type", usual: true, value: (r) => r.data_type, show: (r) => dataType(r.data_type) },
  { id: "status", label: "Status", usual: true, value: (r) => r.status, show: (r) => <Status status={r.status} reason={r.status_reason} /> },
  { id: "sn", label: "S/N", usual: true, right: true, help: "Signal-to-noise per pixel", value: (r) => r.quality.signal_to_noise ?? null,
    show: (r) => figure(r.quality.signal_to_noise) },
  { id: "rms", label: "rms (Å)", usual: true, right: true, help: "rms of the wavelength solution", value: (r) => r.quality.wavelength_rms ?? null,
    show: (r) => fixed(r.quality.wavelength_rms, 3) },
  { id: "obstype", label: "Obstype", usual: true, value: (r) => r.obstype },
  { id: "object", label: "Object", usual: true, value: (r) => r.object },
  { id: "proposal_id", label: "Proposal", usual: true, value: (r) => r.proposal_id },
  { id: "date", label: "Date", usual: true, value: (r) => r.date, show: (r) => (r.date && r.date.length > 10 ? <Time at={r.date} full /> : (r.date ?? "–")) },
  { id: "wavmode", label: "Wavmode", usual: true, value: (r) => r.wavmode },
  { id: "grating", label: "Grating", usual: true, value: (r) => r.grating },
  { id: "slit", label: "Slit", usual: true, value: (r) => r.slit },
  { id: "filter", label: "Filter", usual: true, value: (r) => r.filter },
  { id: "filter_2", label: "Filter 2", usual: true, value: (r) => r.filter_2 },
  { id: "roi", label: "ROI", usual: true, value: (r) => r.roi },
  { id: "size", label: "Size", usual: true, right: true, value: (r) => r.size, show: (r) => bytes(r.size) },
  { id: "night", label: "Night", usual: false, value: (r) => r.night, show: (r) => nightName(r.night) },
  { id: "technique", label: "Technique", usual: false, value: (r) => r.technique },
  { id: "target", label: "Target", usual: false, right: true, help: "Number of the target in its frame", value: (r) => r.target },
  { id: "variant", label: "Variant", usual: false, help: "auto, or the name of a choice somebody made", value: (r) => r.variant },
  { id: "comments", label: "Comments", usual: false, right: true, value: (r) => r.comments },
  { id: "id", label: "Id", usual: false, right: true, value: (r) => r.id, show: (r) => String(r.id) },
];

/** `list`: the part of the address that says which files are listed beside it. */
export function FileLink({ record, list }: { record: FileRecord; list: Query }) {
  const name = record.file_name ?? String(record.id);
  const kind = record.data_type === "1" ? { list: "calibrations" } : {};
  return (
    <a class="file-link" href={href("data", record.id, { ...list, ...kind })} aria-label={name}>
      <FileName text={name} />
    </a>
  );
}

export const cell = (column: Column, record: FileRecord, list: Query): ComponentChildren =>
  column.show ? column.show(record, list) : (column.value(record) ?? "–");

const KEY = "goodman-columns";

export function keptColumns(): Set<string> {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? "null");
    if (Array.isArray(kept)) return new Set(["file_name", ...kept.filter((one): one is string => typeof one === "string")]);
  } catch {
    localStorage.removeItem(KEY);
  }
  return new Set(COLUMNS.filter((column) => column.usual).map((column) => column.id));
}

export function keepColumns(columns: Set<string>): void {
  localStorage.setItem(KEY, JSON.stringify([...columns]));
}

/** The rows of a page in the order of a column ("-sn": from high to low); what has no value comes last either way. */
export function sorted(records: FileRecord[], sort: string): FileRecord[] {
  const down = sort.startsWith("-");
  const column = COLUMNS.find((one) => one.id === sort.replace(/^-/, ""));
  if (!column) return records;
  return [...records].sort((a, b) => {
    const [one, other] = [column.value(a), column.value(b)];
    if (one === null || other === null) return Number(one === null) - Number(other === null);
    const order = typeof one === "number" && typeof other === "number" ? one - other : String(one).localeCompare(String(other), "en", { numeric: true });
    return down ? -order : order;
  });
}
