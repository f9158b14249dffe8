// The list of files: observed ones or master calibrations, newest first.

import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import type { FileRecord } from "../../api/types";
import { figure, fixed, plural, whole } from "../../core/format";
import { amend, go, href, type Query } from "../../core/router";
import { Badge, Button, ButtonLink, Choice, Field, Pager, Status, Switch, Tabs, TextField, Time } from "../../parts/controls";
import { FileName } from "../../parts/filename";
import { Icon } from "../../parts/icons";
import { Empty, Failed, Loading } from "../../parts/states";
import { isBeyond, PAGE_SIZE, useProposals, type Files } from "./files";
import { dataTypeOf, inAddress, LONGEST_TEXT, selectionOf, sought, TOO_SHORT, valueWord, type Filters } from "./filters";

interface Props {
  filters: Filters;
  files: Files;
  /** The frame or master that is shown. */
  root: number | null;
  /** The file in the address; null: the newest is followed. */
  id: number | null;
  /** Parameters of the address that stay when another file is opened. */
  stay: Query;
  /** What came while another file is held open. */
  news: ComponentChildren;
  opened?: () => void;
}

export function FileList({ filters, files, root, id, stay, news, opened }: Props) {
  const change = (some: Partial<Filters>): void =>
    amend({ ...cleared(filters), ...inAddress({ ...filters, page: 1, ...some }), search: null, data_type: null });
  const follow = (on: boolean): void =>
    go(on ? href("data", { ...inAddress({ ...filters, page: 1 }), ...stay }) : href("data", root ?? "", { ...inAddress(filters), ...stay }), { replace: !on });
  const search: Query = { ...selectionOf(filters), search: filters.search, open: id ?? root };
  return (
    <>
      <h2 class="hidden">Files</h2>
      <Tabs
        label="Which files"
        panel="files"
        current={filters.list}
        tabs={[
          { id: "observed", label: "Observed", count: files.counts.observed },
          { id: "calibrations", label: "Calibrations", count: files.counts.calibrations },
        ]}
        change={(list) => change({ list: list as Filters["list"], obstype: "", proposal: "", more: {}, search: "" })}
      />
      <div class="list-body" role="tabpanel" id="files" aria-labelledby={`files-${filters.list}`}>
        <div class="list-tools">
          <div class="list-head">
            <Switch label="Follow the newest" on={id === null} change={follow} disabled={id === null && root === null} />
            <ButtonLink href={href("search", search)} icon="table" kind="quiet">As table</ButtonLink>
          </div>
          {news}
          <TextField label="Search by object or file name" type="search" placeholder="Object or file name" value={filters.search}
            maxLength={LONGEST_TEXT} help={filters.search.trim() && !sought(filters.search) ? TOO_SHORT : undefined}
            change={(text) => change({ search: text })} />
          <div class="row">
            <Obstype filters={filters} files={files} change={change} />
            {filters.list === "observed" && <Proposal value={filters.proposal} change={(proposal) => change({ proposal })} />}
          </div>
          <More filters={filters} clear={() => change({ more: {} })} />
        </div>
        <Rows filters={filters} files={files} root={root} stay={stay} {...(opened ? { opened } : {})} />
      </div>
    </>
  );
}

/** What the filters put into the address, to be taken out again. */
const cleared = (filters: Filters): Query => Object.fromEntries([...Object.keys(filters.more), "obstype"].map((name) => [name, null]));

function Obstype({ filters, files, change }: { filters: Filters; files: Files; change: (some: Partial<Filters>) => void }) {
  const menu = files.menus?.facets.obstype ?? {};
  const names = [...new Set([...Object.keys(menu), filters.obstype])].filter(Boolean).sort();
  return (
    <Choice
      label="Type"
      value={filters.obstype}
      change={(obstype) => change({ obstype, more: { ...filters.more, obstype: [] } })}
      options={[["", "All types"], ...names.map((name) => [name, name in menu ? `${name} (${whole(menu[name])})` : valueWord(name)] as const)]}
    />
  );
}

function Proposal({ value, change }: { value: string; change: (proposal: string) => void }) {
  const { names, all } = useProposals();
  const list = useId();
  const known = [...new Set([...names, value])].filter(Boolean);
  if (all) return <Choice label="Proposal" value={value} change={change} options={[["", "All proposals"], ...known.map((name) => [name, name] as const)]} />;
  return (
    <Field label="Proposal">
      {(attributes) => (
        <>
          <input {...attributes} list={list} value={value} placeholder="All proposals" onChange={(event) => change(event.currentTarget.value.trim().toUpperCase())} />
          <datalist id={list}>{known.map((name) => <option key={name} value={name} />)}</datalist>
        </>
      )}
    </Field>
  );
}

function More({ filters, clear }: { filters: Filters; clear: () => void }) {
  const parts = Object.entries(filters.more).map(([name, values]) => `${name.replace("_", " ")} ${values.map(valueWord).join(" or ")}`);
  if (parts.length === 0) return null;
  return (
    <p class="note">
      As selected in the table: {parts.join(", ")}.{" "}
      <Button kind="quiet" icon="close" onClick={clear}>Show all</Button>
    </p>
  );
}

function Rows({ filters, files, root, stay, opened }: Omit<Props, "id" | "news">) {
  const { data, error, loading, reload } = files.shown;
  const pages = data?.count == null ? 1 : Math.ceil(data.count / PAGE_SIZE);
  if (!data) {
    if (error && isBeyond(error) && filters.page > 1) {
      return <Empty>There are not so many pages. <Button onClick={() => amend({ page: null })}>To the newest files</Button></Empty>;
    }
    return error ? <Failed error={error} retry={reload} /> : <Loading what="Reading the list" />;
  }
  return (
    <>
      {error !== undefined && <Failed error={error} retry={reload} />}
      {data.results.length === 0 && !loading && <Empty>{nothing(filters, data.next !== null)}</Empty>}
      <ul class="rows" aria-busy={loading} aria-label={filters.list === "observed" ? "Observed files" : "Master calibrations"}>
        {data.results.map((file) => (
          <Row key={file.id} file={file} current={file.id === root} address={href("data", file.id, { ...inAddress(filters), ...stay })} {...(opened ? { opened } : {})} />
        ))}
      </ul>
      {data.count === null ? (
        <div class="buttons list-more">
          <span class="soft" role="status">{plural(data.results.length, "file")} found{data.next ? " so far" : ""}</span>
          {data.next && <Button icon="more" busy={files.more.busy} onClick={files.more.go}>Look further back</Button>}
        </div>
      ) : (
        <Pager label="Pages of files" page={filters.page} pages={pages} go={(page) => amend({ page: page > 1 ? page : null })} />
      )}
    </>
  );
}

function nothing(filters: Filters, further: boolean): string {
  if (sought(filters.search)) return further ? "Nothing among the newest files; look further back." : "No file's object or name has this text.";
  if (filters.obstype || filters.proposal || Object.keys(filters.more).length) return "No file is of this selection.";
  return dataTypeOf(filters) === "0"
    ? "No frame has come yet. Frames of your proposals appear here by themselves within seconds of being taken."
    : "There is no master yet. One is made by itself as soon as enough biases or flats of a night are there.";
}

function Row({ file, current, address, opened }: { file: FileRecord; current: boolean; address: string; opened?: () => void }) {
  const name = file.file_name ?? "without a name";
  const told = file.status !== "done" ? file.status_reason : "";
  const { signal_to_noise: ratio, wavelength_rms: rms } = file.quality;
  return (
    <li data-file={file.id}>
      <a class="file-row" href={address} aria-current={current ? "true" : undefined} onClick={opened}>
        <FileName text={name} />
        <span class="row-facts">
          <span class="row-object" title={file.object ?? undefined}>{file.object || "–"}</span>
          <span>{file.obstype ?? "not read"}</span>
          <Time at={file.observed ?? file.created} />
        </span>
        <span class="row-facts">
          <Status status={file.status} reason={file.status_reason} />
          {typeof ratio === "number" && <span title="Signal-to-noise ratio per pixel of the brightest target">S/N {figure(ratio, 2)}</span>}
          {typeof rms === "number" && <span title="Held-out rms of the wavelength solution">rms {fixed(rms, 2)} Å</span>}
          {file.bad && <Badge kind="bad">bad</Badge>}
          {file.variant && file.variant !== "auto" && <Badge>of chosen frames</Badge>}
          {file.comments > 0 && (
            <span class="row-comments" title={plural(file.comments, "comment")}>
              <Icon name="comment" /> {file.comments}
              <span class="hidden"> {file.comments === 1 ? "comment" : "comments"}</span>
            </span>
          )}
          {told && <span class="row-reason" title={told}>{told}</span>}
        </span>
      </a>
    </li>
  );
}
