// Proposals, as staff keep them.

import { useResource } from "../../core/fetching";
import { whole } from "../../core/format";
import { amend, href, place } from "../../core/router";
import { ButtonLink, Choice, Pager } from "../../parts/controls";
import { Empty, Failed, Loading } from "../../parts/states";
import { full, listed, pageCount, person, recentSemesters } from "../proposal/read";
import { EditProposal, NewProposal } from "./proposalform";

export function ProposalsTab() {
  const one = place.value.parts[2];
  if (one === "new") return <NewProposal />;
  return one ? <One key={one} id={one} /> : <List />;
}

function One({ id }: { id: string }) {
  const found = useResource(`managed-${id}`, (signal) => full(id, signal));
  if (!found.data) return found.error ? <Failed error={found.error} retry={found.reload} /> : <Loading what="Looking for the proposal" />;
  return <EditProposal proposal={found.data} set={found.set} />;
}

function List() {
  const { query } = place.value;
  const page = Number(query.get("page")) || 1;
  const semester = query.get("semester") ?? "";
  const found = useResource(`managed-${page}-${semester}`, (signal) => listed(page, semester, signal), { keep: true });
  const semesters = [...new Set([...(semester ? [semester] : []), ...recentSemesters(new Date())])].sort().reverse();
  return (
    <>
      <div class="headline">
        <Choice label="Semester" inline value={semester} options={[["", "All"], ...semesters.map((one) => [one, one] as [string, string])]}
          change={(value) => amend({ semester: value, page: null }, { push: true })} />
        <span class="soft" role="status">{found.data && `${whole(found.data.count)} proposals`}</span>
        <span class="space" />
        <ButtonLink kind="main" icon="plus" href={href("management", "proposals", "new")}>Add proposal</ButtonLink>
      </div>
      {found.error ? (
        <Failed error={found.error} retry={found.reload} />
      ) : !found.data ? (
        <Loading what="Looking for proposals" />
      ) : found.data.results.length === 0 ? (
        <Empty>There are no proposals{semester && ` of ${semester}`} yet.</Empty>
      ) : (
        <div class="table-box" tabIndex={0} role="region" aria-label="Proposals">
          <table>
            <thead>
              <tr>
                <th scope="col">SOAR ID</th>
                <th scope="col">Semester</th>
                <th scope="col">PI</th>
                <th scope="col">Title</th>
                <th scope="col" class="number">Files</th>
                <th scope="col" class="number">Collaborators</th>
              </tr>
            </thead>
            <tbody>
              {found.data.results.map((one) => (
                <tr key={one.id}>
                  <td class="nowrap"><a href={href("management", "proposals", one.id)}>{one.soar_id}</a></td>
                  <td>{one.semester}</td>
                  <td>{person(one.user)}</td>
                  <td>{one.title}</td>
                  <td class="number">{whole(one.files)}</td>
                  <td class="number"><a href={href("collaborators", one.id)}>{one.collaborator_count}<span class="hidden"> collaborators of {one.soar_id}</span></a></td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <Pager page={page} pages={pageCount(found.data?.count)} go={(n) => amend({ page: n }, { push: true })} label="Pages of proposals" />
    </>
  );
}
