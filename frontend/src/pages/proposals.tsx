// Proposals: what they are, who is in them, the ways to their data, people and settings.

import { api } from "../api/client";
import type { Proposal } from "../api/types";
import type { components } from "../api/contract";
import { useResource } from "../core/fetching";
import { plural, whole } from "../core/format";
import { amend, href, place } from "../core/router";
import { user } from "../core/session";
import { ButtonLink, Choice, Pager } from "../parts/controls";
import { Icon } from "../parts/icons";
import { Empty, Failed, Loading } from "../parts/states";
import { full, listed, pageCount, person, recentSemesters, ROLES } from "./proposal/read";
import { Reprocess } from "./proposal/reprocess";

type UnassignedList = components["schemas"]["UnassignedList"];

export function ProposalsPage() {
  const { query } = place.value;
  const page = Number(query.get("page")) || 1;
  const semester = query.get("semester") ?? "";
  const staff = user.value?.is_staff ?? false;
  const found = useResource(`proposals-${page}-${semester}`, (signal) => listed(page, semester, signal), { keep: true });
  const semesters = [...new Set([...(semester ? [semester] : []), ...recentSemesters(new Date())])].sort().reverse();
  return (
    <>
      <div class="headline">
        <h1>Proposals{found.data?.count ? ` (${whole(found.data.count)})` : ""}</h1>
        <span class="space" />
        <Choice label="Semester" inline value={semester} options={[["", "All"], ...semesters.map((one) => [one, one] as [string, string])]}
          change={(value) => amend({ semester: value, page: null }, { push: true })} />
        {staff && <ButtonLink icon="plus" href={href("management", "proposals", "new")}>Add proposal</ButtonLink>}
      </div>
      {staff && <Homeless />}
      {found.error ? (
        <Failed error={found.error} retry={found.reload} />
      ) : !found.data ? (
        <Loading what="Looking for proposals" />
      ) : found.data.results.length === 0 ? (
        <Empty>
          {semester
            ? `There are no proposals of semester ${semester} here.`
            : "You have no proposals. Ask the principal investigator to add your e-mail address."}
        </Empty>
      ) : (
        <ul class="proposals">
          {found.data.results.map((one) => <Row key={one.id} proposal={one} />)}
        </ul>
      )}
      <Pager page={page} pages={pageCount(found.data?.count)} go={(n) => amend({ page: n }, { push: true })} label="Pages of proposals" />
    </>
  );
}

function Row({ proposal }: { proposal: Proposal }) {
  const { id, soar_id, title } = proposal;
  const opened = place.value.query.getAll("open");
  const open = opened.includes(String(id));
  const toggle = () => amend({ open: open ? opened.filter((one) => one !== String(id)) : [...opened, String(id)] });
  return (
    <li class="panel proposal">
      <div class="proposal-line">
        <button type="button" class="expander" aria-expanded={open} onClick={toggle}>
          <Icon name={open ? "down" : "right"} />
          <strong>{soar_id}</strong>
          <span>{person(proposal.user)}</span>
          <span class="title">{title}</span>
        </button>
        <div class="buttons">
          <ButtonLink icon="file" href={href("search", { proposal: soar_id })}>Data<Hidden of={soar_id} /></ButtonLink>
          <ButtonLink icon="people" href={href("collaborators", id)}>Collaborators<Hidden of={soar_id} /></ButtonLink>
          <ButtonLink icon="cog" href={href("settings", id)}>Settings<Hidden of={soar_id} /></ButtonLink>
        </div>
      </div>
      {open && <Opened proposal={proposal} />}
    </li>
  );
}

const Hidden = ({ of }: { of: string }) => <span class="hidden"> of {of}</span>;

function Opened({ proposal }: { proposal: Proposal }) {
  const { id, soar_id, role } = proposal;
  const found = useResource(`proposal-${id}`, (signal) => full(id, signal));
  const staff = user.value?.is_staff ?? false;
  return (
    <div class="stack">
      <dl class="facts">
        <dt>Title</dt><dd>{proposal.title}</dd>
        <dt>PI</dt><dd>{person(proposal.user)}, <a href={`mailto:${proposal.user.email}`}>{proposal.user.email}</a></dd>
        <dt>Collaborators</dt>
        <dd>
          {found.data
            ? found.data.collaborators.map(person).join(", ") || "None yet."
            : found.error ? "They could not be read." : "…"}
        </dd>
        <dt>Semester</dt><dd>{proposal.semester}</dd>
        <dt>Holds</dt>
        <dd>{proposal.files ? `${plural(proposal.files, "file")} of ${plural(proposal.nights, "night")}, last ${proposal.last_night}` : "No files yet."}</dd>
        <dt>Your part</dt><dd>{ROLES[role]}.</dd>
        <dt>Abstract</dt><dd class="abstract">{proposal.abstract || "None."}</dd>
      </dl>
      {staff && (
        <div class="buttons">
          <ButtonLink href={href("management", "proposals", id)}>Edit<Hidden of={soar_id} /></ButtonLink>
        </div>
      )}
      <details>
        <summary>Reprocess all frames of {soar_id}</summary>
        <Reprocess soarId={soar_id} may={role === "pi" || staff} />
      </details>
    </div>
  );
}

/** PROPIDs in headers that no proposal has: data that nobody but staff can see. */
function Homeless() {
  const found = useResource("unassigned-count", (signal) => api.get<UnassignedList>("/proposals/unassigned", {}, signal));
  const count = found.data?.count ?? 0;
  if (!count) return null;
  return (
    <p class="note warn">
      {plural(count, "PROPID")} in headers {count === 1 ? "belongs" : "belong"} to no proposal: nobody but staff sees those files.{" "}
      <a href={href("management", "unassigned")}>Look at them</a>
    </p>
  );
}
