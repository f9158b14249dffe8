// A page about one proposal that was reached without naming one: choose.

import { useResource } from "../../core/fetching";
import { plural } from "../../core/format";
import { amend, href, place } from "../../core/router";
import { Pager } from "../../parts/controls";
import { Empty, Failed, Loading } from "../../parts/states";
import { listed, pageCount, person } from "./read";

/** Proposals with their counts of collaborators; the one that is shown is marked. */
export function Chooser({ view, current }: { view: "collaborators" | "settings"; current?: string | undefined }) {
  const page = Number(place.value.query.get("page")) || 1;
  const found = useResource(`chooser-${page}`, (signal) => listed(page, "", signal), { keep: true });
  if (found.error) return <Failed error={found.error} retry={found.reload} />;
  if (!found.data) return <Loading what="Looking for your proposals" />;
  if (!found.data.results.length) return <Empty>You have no proposals. Ask the principal investigator to add your e-mail address.</Empty>;
  return (
    <nav class="chooser panel" aria-label="Proposals">
      <ul>
        {found.data.results.map((one) => (
          <li key={one.id}>
            <a href={href(view, one.id, { page: page > 1 ? page : null })} aria-current={String(one.id) === current ? "page" : undefined}>
              <strong>{one.soar_id}</strong>
              <span class="soft">{view === "collaborators" ? plural(one.collaborator_count, "collaborator") : person(one.user)}</span>
            </a>
          </li>
        ))}
      </ul>
      <Pager page={page} pages={pageCount(found.data.count)} go={(n) => amend({ page: n }, { push: true })} label="Pages of proposals" />
    </nav>
  );
}
