// What a file was made from and what was made from it, as two trees by stage.

import { useMemo, useState } from "preact/hooks";
import { api } from "../../api/client";
import type { Lineage } from "../../api/types";
import { useResource } from "../../core/fetching";
import { dataType, plural } from "../../core/format";
import { href } from "../../core/router";
import { copy, save } from "../../core/saving";
import { Badge, Button, IconButton, Status } from "../../parts/controls";
import { Failed, Loading } from "../../parts/states";
import { MASTER } from "./family";
import { branches, type Branch, type LineageNode } from "./tree";
import type { PanelProps } from "./panels";

const FOLDED = 6;
const ROLES: Record<string, string> = {
  raw: "raw frame", member: "member", bias: "bias", flat: "flat", reduced: "reduced frame", spectrum: "spectrum", arc: "arc",
};

export function LineagePanel({ record }: PanelProps) {
  const lineage = useResource(`lineage-${record.id}-${record.sha256}`, (signal) =>
    api.get<Lineage>(`/files/${record.id}/lineage`, {}, signal));
  const trees = useMemo(() => lineage.data && { up: branches(lineage.data, "up", record.parent_file_id), down: branches(lineage.data, "down") }, [lineage.data, record.parent_file_id]);
  if (lineage.error && !lineage.data) return <Failed error={lineage.error} retry={lineage.reload} />;
  if (!lineage.data || !trees) return <Loading what="Reading the lineage" />;
  const { nodes, hidden, complete } = lineage.data;
  const self = nodes[0];
  const count = (relation: string) => nodes.filter((one) => one.relation === relation).length;
  return (
    <section class="stack lineage" aria-label="Lineage">
      <div class="row">
        <p class="soft">
          Made from {count("ancestor") ? plural(count("ancestor"), "file") : "no other file"}; {count("descendant") ? plural(count("descendant"), "file was", "files were") : "none"} made from it.
          {hidden > 0 && ` ${plural(hidden, "more is", "more are")} not shown: deleted or replaced, or of proposals that are not yours.`}
          {!complete && " There are more than are shown here: these are the nearest."}
        </p>
        <div class="buttons">
          <Button icon="download" onClick={() => save(`${record.file_name ?? record.id}.lineage.json`, `${JSON.stringify(lineage.data, null, 1)}\n`, "application/json")}>
            As JSON
          </Button>
          <Button icon="retry" kind="quiet" busy={lineage.loading} onClick={lineage.reload}>Read again</Button>
        </div>
      </div>
      {self && (
        <div class="self">
          <h2>This file</h2>
          <NodeShown node={self} role={null} />
        </div>
      )}
      <h2>Made from</h2>
      {trees.up.length ? <Tree list={trees.up} folded={nodes.length > MANY} /> : <p class="soft">Nothing: it is where the pipeline begins.</p>}
      <h2>Made from it</h2>
      {trees.down.length ? <Tree list={trees.down} folded={nodes.length > MANY} /> : <p class="soft">Nothing yet.</p>}
    </section>
  );
}

/** Graphs with more files than this open one level at a time. */
const MANY = 40;

function Tree({ list, folded }: { list: Branch[]; folded: boolean }) {
  const [open, setOpen] = useState(false);
  const many = list.length > FOLDED + 1;
  const shown = many && !open ? list.slice(0, FOLDED) : list;
  return (
    <ul class="lineage-tree">
      {shown.map((branch) => (
        <li key={branch.node.id}>
          <NodeShown node={branch.node} role={branch.role} />
          {branch.shown ? (
            <p class="soft">Its own branches are shown elsewhere in this tree.</p>
          ) : (
            branch.next.length > 0 && <Below branch={branch} folded={folded} />
          )}
        </li>
      ))}
      {many && (
        <li>
          <Button kind="quiet" aria-expanded={open} onClick={() => setOpen(!open)}>
            {open ? "Show fewer" : `Show ${list.length - FOLDED} more`}
          </Button>
        </li>
      )}
    </ul>
  );
}

function Below({ branch, folded }: { branch: Branch; folded: boolean }) {
  const [open, setOpen] = useState(!folded);
  return (
    <>
      {folded && (
        <Button kind="quiet" aria-expanded={open} onClick={() => setOpen(!open)}>
          {`${open ? "Hide" : "Show"} ${plural(branch.next.length, "branch", "branches")} of ${branch.node.file_name}`}
        </Button>
      )}
      {open && <Tree list={branch.next} folded={folded} />}
    </>
  );
}

function NodeShown({ node, role }: { node: LineageNode; role: string | null }) {
  const type = node.obstype === "ARC" && node.data_type !== "0" ? `${dataType(node.data_type)} lamp` : dataType(node.data_type);
  const said = [
    node.target !== null && `target ${node.target}`,
    node.settings_revision !== null && `settings revision ${node.settings_revision}`,
    node.science_version !== null && `science version ${node.science_version}`,
  ].filter(Boolean);
  return (
    <div class={node.relation === "itself" ? "node itself" : "node"}>
      <p>
        <span class="stage">{type}</span>{" "}
        {node.relation === "itself" ? <strong>{node.file_name}</strong> : <a href={href("data", node.id, { list: node.data_type === MASTER ? "calibrations" : null })}>{node.file_name}</a>}{" "}
        {role && <Badge>as {ROLES[role] ?? role}</Badge>} <Status status={node.status} reason={node.status_reason} />{" "}
        {node.provisional && node.status !== "provisional" && <Badge kind="warn">provisional</Badge>}{" "}
        {node.variant !== "auto" && <Badge>somebody's choice {node.variant}</Badge>}{" "}
        {node.ancestor_deleted && <Badge kind="warn">what it was made from was deleted</Badge>}
      </p>
      <p class="soft small">
        {said.join(" · ")}
        {node.sha256 && (
          <>
            {said.length > 0 && " · "}sha256 <code title={node.sha256}>{node.sha256.slice(0, 12)}…</code>
            <IconButton kind="quiet" icon="file" label={`Copy the sha256 of ${node.file_name}`} onClick={() => void copy(node.sha256 ?? "", "The sha256")} />
          </>
        )}
      </p>
    </div>
  );
}
