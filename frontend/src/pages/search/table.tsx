// The files found: a table, or cards where the window is narrow. Keys move from row to row.

import { useEffect, useRef } from "preact/hooks";
import type { FileRecord } from "../../api/types";
import { dataType, figure, fixed, nightName } from "../../core/format";
import { useKeys } from "../../core/keys";
import { Status } from "../../parts/controls";
import { useNarrow } from "../../parts/narrow";
import { has, type Chosen } from "./chosen";
import { cell, COLUMNS, FileLink, sorted, type Column } from "./columns";
import { selectionAddress, type Wanted } from "./wanted";

interface TableProps {
  records: FileRecord[];
  columns: Set<string>;
  wanted: Wanted;
  chosen: Chosen;
  choose: (records: FileRecord[], on: boolean) => void;
  sort: (sort: string) => void;
  order: (oldest: boolean) => void;
  stale: boolean;
}

export function Files(props: TableProps) {
  const { records, wanted, chosen, choose, stale } = props;
  const narrow = useNarrow();
  const box = useRef<HTMLDivElement>(null);
  const rows = sorted(records, wanted.sort);
  const at = useRef(0);

  const links = () => [...(box.current?.querySelectorAll<HTMLElement>(".file-link") ?? [])];
  const here = (): number => {
    const row = document.activeElement?.closest("[data-file]");
    const found = row && box.current?.contains(row) ? rows.findIndex((one) => String(one.id) === row.getAttribute("data-file")) : -1;
    return found >= 0 ? (at.current = found) : -1;
  };
  const step = (by: number) => {
    const from = here();
    const next = from < 0 ? Math.min(at.current, rows.length - 1) : Math.max(0, Math.min(rows.length - 1, from + by));
    at.current = next;
    const link = links()[next];
    link?.focus({ preventScroll: true });
    link?.closest("[data-file]")?.scrollIntoView({ block: "nearest" });
  };
  useKeys("Search", [
    { key: "f", help: "to the search box", run: () => document.querySelector<HTMLElement>(".filters input[type=search]")?.focus() },
    { key: "j", help: "next file (in the table ↓ too); Enter opens it", run: () => step(1) },
    { key: "k", help: "previous file (in the table ↑ too)", run: () => step(-1) },
    { key: "x", help: "select the file, or no longer", run: () => {
      const record = rows[here() < 0 ? at.current : here()];
      if (record) choose([record], !has(chosen, record.id));
    } },
  ]);
  const arrows = (event: KeyboardEvent) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by || event.altKey || event.ctrlKey || event.metaKey || here() < 0) return;
    event.preventDefault();
    step(by);
  };

  useEffect(() => {
    at.current = Math.max(0, rows.findIndex((one) => one.id === wanted.open));
    if (wanted.open) box.current?.querySelector(".open")?.scrollIntoView({ block: "nearest" });
    else box.current?.scrollTo(0, 0);
  }, [wanted.open, wanted.page, records.length > 0]);

  return (
    <div ref={box} class={`${narrow ? "file-cards" : "table-box files"}${stale ? " stale" : ""}`} onKeyDown={arrows} aria-busy={stale}
      {...(narrow ? {} : { tabIndex: 0, role: "region", "aria-label": "Files found" })}>
      {narrow ? <Cards {...props} rows={rows} /> : <Table {...props} rows={rows} />}
    </div>
  );
}

function Table({ rows, columns, wanted, chosen, choose, sort, order }: TableProps & { rows: FileRecord[] }) {
  const list = selectionAddress(wanted);
  const shown = COLUMNS.filter((column) => columns.has(column.id));
  const marked = rows.filter((record) => has(chosen, record.id)).length;
  const page = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (page.current) page.current.indeterminate = marked > 0 && marked < rows.length;
  }, [marked, rows.length]);
  return (
    <table>
      <thead>
        <tr>
          <th scope="col" class="pick">
            <label class="tick">
              <input ref={page} type="checkbox" aria-label="Select all files of this page" checked={rows.length > 0 && marked === rows.length}
                onChange={(event) => choose(rows, event.currentTarget.checked)} />
            </label>
          </th>
          {shown.map((column) => (
            <Heading key={column.id} column={column} wanted={wanted} sort={sort} order={order} />
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((record) => (
          <tr key={record.id} data-file={record.id} class={mark(record, wanted, chosen)}>
            <td class="pick">
              <Tick record={record} chosen={chosen} choose={choose} />
            </td>
            {shown.map((column) => {
              const content = cell(column, record, list);
              return column.id === "file_name" ? (
                <th key={column.id} scope="row">{content}</th>
              ) : (
                <td key={column.id} class={column.right ? "number" : undefined}>{content}</td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const mark = (record: FileRecord, wanted: Wanted, chosen: Chosen): string =>
  [record.id === wanted.open ? "open" : "", has(chosen, record.id) ? "chosen" : ""].filter(Boolean).join(" ");

function Tick({ record, chosen, choose }: Pick<TableProps, "chosen" | "choose"> & { record: FileRecord }) {
  return (
    <label class="tick">
      <input type="checkbox" aria-label={`Select ${record.file_name ?? record.id}`} checked={has(chosen, record.id)}
        onChange={(event) => choose([record], event.currentTarget.checked)} />
    </label>
  );
}

/** A heading: the date's turns the whole list round, the others sort the rows of the page. */
function Heading({ column, wanted, sort, order }: { column: Column; wanted: Wanted } & Pick<TableProps, "sort" | "order">) {
  const whole = column.id === "date";
  const down = wanted.sort === `-${column.id}`;
  const up = wanted.sort === column.id;
  const plain = wanted.sort === "";
  const state = whole ? (plain ? (wanted.oldest ? "ascending" : "descending") : undefined) : up ? "ascending" : down ? "descending" : undefined;
  const press = () => {
    if (whole) {
      if (plain) order(!wanted.oldest);
      else sort("");
    } else if (column.right) sort(down ? column.id : up ? "" : `-${column.id}`);
    else sort(up ? `-${column.id}` : down ? "" : column.id);
  };
  return (
    <th scope="col" aria-sort={state} class={column.right ? "number" : undefined}>
      <button type="button" class="heading" onClick={press} title={`${column.help ? `${column.help}. ` : ""}${whole ? "Newest or oldest first, of all files" : "Sort this page's rows"}`}>
        {column.label}
        <span aria-hidden="true" class="way">{state === "ascending" ? "▲" : state === "descending" ? "▼" : ""}</span>
      </button>
    </th>
  );
}

function Cards({ rows, wanted, chosen, choose }: TableProps & { rows: FileRecord[] }) {
  const list = selectionAddress(wanted);
  return (
    <ul>
      {rows.map((record) => (
        <li key={record.id} data-file={record.id} class={`panel ${mark(record, wanted, chosen)}`}>
          <div class="card-head">
            <Tick record={record} chosen={chosen} choose={choose} />
            <FileLink record={record} list={list} />
          </div>
          <div class="card-line">
            <span>{record.obstype ?? "–"} <strong>{record.object ?? ""}</strong></span>
            <Status status={record.status} reason={record.status_reason} />
          </div>
          <div class="card-line soft">
            <span>{dataType(record.data_type)} · {record.wavmode ?? "–"} · night {nightName(record.night)}</span>
            {record.quality.signal_to_noise != null && <span>S/N {figure(record.quality.signal_to_noise)}</span>}
            {record.quality.wavelength_rms != null && <span>rms {fixed(record.quality.wavelength_rms, 3)} Å</span>}
          </div>
        </li>
      ))}
    </ul>
  );
}
