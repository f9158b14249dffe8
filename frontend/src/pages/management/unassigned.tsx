// PROPIDs in headers that no proposal has: whose data are they?

import { useState } from "preact/hooks";
import { api } from "../../api/client";
import type { FullProposal } from "../../api/types";
import type { components } from "../../api/contract";
import { useAction, useResource } from "../../core/fetching";
import { plural, whole } from "../../core/format";
import { tell } from "../../core/notices";
import { amend, href, place } from "../../core/router";
import { Button, ButtonLink, Confirm, Pager } from "../../parts/controls";
import { Empty, Failed, FormError, Loading } from "../../parts/states";
import { full, pageCount, person } from "../proposal/read";

export type Unassigned = components["schemas"]["Unassigned"];
type UnassignedList = components["schemas"]["UnassignedList"];

export const unassigned = (page: number, signal?: AbortSignal): Promise<UnassignedList> =>
  api.get<UnassignedList>("/proposals/unassigned", { page }, signal);

const nights = (one: Unassigned): string =>
  one.first_night === one.last_night ? one.last_night : `${one.first_night} – ${one.last_night}`;

export function UnassignedTab() {
  const page = Number(place.value.query.get("page")) || 1;
  const found = useResource(`unassigned-${page}`, (signal) => unassigned(page, signal), { keep: true });
  const [chosen, choose] = useState<{ propid: Unassigned; id: number } | null>(null);
  if (found.error) return <Failed error={found.error} retry={found.reload} />;
  if (!found.data) return <Loading what="Looking for files without a proposal" />;
  if (!found.data.results.length) return <Empty>Every frame's PROPID belongs to a proposal.</Empty>;
  return (
    <>
      <p class="soft">
        Only staff see these files. A proposal with that SOAR id, new or corrected, makes them appear for its people at once.
      </p>
      <div class="table-box" tabIndex={0} role="region" aria-label="PROPIDs without a proposal">
        <table>
          <thead>
            <tr>
              <th scope="col">PROPID</th>
              <th scope="col" class="number">Files</th>
              <th scope="col">Nights</th>
              <th scope="col">May be a slip for</th>
              <th scope="col"><span class="hidden">Actions</span></th>
            </tr>
          </thead>
          <tbody>
            {found.data.results.map((one) => (
              <tr key={one.propid}>
                <td class="mono">{one.propid || <span class="soft">none in the header</span>}</td>
                <td class="number">{whole(one.files)}</td>
                <td>{plural(one.nights, "night")}<br /><span class="soft nowrap">{nights(one)}</span></td>
                <td>
                  <div class="buttons">
                    {one.suggestions.map((two) => (
                      <Button key={two.id} onClick={() => choose({ propid: one, id: two.id })}>
                        {two.soar_id}<span class="hidden">: correct this proposal to {one.propid}</span>
                      </Button>
                    ))}
                    {one.suggestions.length === 0 && <span class="soft">{one.propid ? "Nothing alike." : "No header to correct a proposal by."}</span>}
                  </div>
                </td>
                <td class="actions">
                  {one.propid && (
                    <ButtonLink kind="quiet" icon="plus" href={href("management", "proposals", "new", { soar_id: one.propid })}>Add proposal</ButtonLink>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Pager page={page} pages={pageCount(found.data.count)} go={(n) => amend({ page: n }, { push: true })} label="Pages of PROPIDs" />
      {chosen && <Correct {...chosen} close={() => choose(null)} done={() => { choose(null); found.reload(); }} />}
    </>
  );
}

/** The header is right and the proposal wrong: what happens if the proposal takes the header's id. */
function Correct({ propid, id, close, done }: { propid: Unassigned; id: number; close: () => void; done: () => void }) {
  const found = useResource(`correct-${id}`, (signal) => full(id, signal));
  const { busy, error, run } = useAction();
  const correct = () =>
    void run(async () => {
      const next = await api.patch<FullProposal>(`/proposals/${id}`, { soar_id: propid.propid });
      tell("good", `Proposal ${next.soar_id} holds ${plural(next.files, "file")} now.`);
      done();
    });
  const proposal = found.data;
  return (
    <Confirm title={`Correct the proposal to ${propid.propid}?`} yes="Correct" busy={busy || !proposal} run={correct} close={close}>
      {proposal ? (
        <>
          <dl class="facts">
            <dt>Proposal</dt><dd>{proposal.soar_id}: {proposal.title}</dd>
            <dt>PI</dt><dd>{person(proposal.user)} ({proposal.user.email})</dd>
          </dl>
          <p>
            Its SOAR id becomes <strong>{propid.propid}</strong>. {plural(propid.files, "file")} of {plural(propid.nights, "night")} appear at
            once for its principal investigator and {plural(proposal.collaborator_count, "collaborator")}.
          </p>
          <p class={proposal.files ? "note warn" : "note"}>
            {proposal.files
              ? `The ${plural(proposal.files, "file")} that carry ${proposal.soar_id} disappear from them: nobody but staff will see those.`
              : `No file carries ${proposal.soar_id}, so nobody loses anything.`}
          </p>
        </>
      ) : found.error ? (
        <Failed error={found.error} retry={found.reload} />
      ) : (
        <Loading />
      )}
      <FormError error={error} />
    </Confirm>
  );
}

/** The newest of them, to be clicked, beside the form of a proposal. */
export function UnassignedBeside({ take }: { take: (propid: string) => void }) {
  const found = useResource("unassigned-1", (signal) => unassigned(1, signal));
  const named = found.data?.results.filter((one) => one.propid) ?? [];
  return (
    <section class="panel" aria-labelledby="beside-title">
      <h3 id="beside-title">PROPIDs without a proposal</h3>
      {found.error ? (
        <Failed error={found.error} retry={found.reload} />
      ) : !found.data ? (
        <Loading />
      ) : named.length ? (
        <>
          <p class="soft">From headers of frames. A click takes one as the SOAR id.</p>
          <ul class="plain-list">
            {named.map((one) => (
              <li key={one.propid}>
                <Button onClick={() => take(one.propid)}>{one.propid}</Button>{" "}
                <span class="soft">{plural(one.files, "file")}, {nights(one)}</span>
              </li>
            ))}
          </ul>
        </>
      ) : (
        <p class="soft">None: every PROPID in a header belongs to a proposal.</p>
      )}
    </section>
  );
}
