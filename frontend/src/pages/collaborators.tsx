// Who else sees a proposal's data: added and removed by its principal investigator, by e-mail address.

import { useEffect, useRef, useState } from "preact/hooks";
import { api, intention } from "../api/client";
import type { FullProposal, User } from "../api/types";
import { useAction, useResource } from "../core/fetching";
import { tell } from "../core/notices";
import { href, place } from "../core/router";
import { Button, ButtonLink, Confirm, TextField } from "../parts/controls";
import { Failed, FormError, Loading } from "../parts/states";
import { fault } from "./account/fault";
import { Chooser } from "./proposal/chooser";
import { full, person } from "./proposal/read";

export function CollaboratorsPage() {
  const id = place.value.parts[1];
  return (
    <>
      <h1>Collaborators</h1>
      <div class="beside">
        <Chooser view="collaborators" current={id} />
        {id ? <People key={id} id={id} /> : <p class="soft">Choose a proposal to see who works on its data.</p>}
      </div>
    </>
  );
}

function People({ id }: { id: string }) {
  const found = useResource(`collaborators-${id}`, (signal) => full(id, signal));
  if (!found.data) return found.error ? <Failed error={found.error} retry={found.reload} /> : <Loading what="Looking for the people" />;
  const proposal = found.data;
  const may = proposal.role !== "collaborator";
  return (
    <section class="panel" aria-labelledby="people-title">
      <h2 id="people-title">{proposal.soar_id}: {proposal.title}</h2>
      <p>
        Principal investigator: {person(proposal.user)}, <a href={`mailto:${proposal.user.email}`}>{proposal.user.email}</a>
      </p>
      {may ? (
        <Add proposal={proposal} set={found.set} />
      ) : (
        <p class="note">
          You are a collaborator yourself: you see who is here, but only the principal investigator and staff may add or remove
          people. Ask {person(proposal.user)}.
        </p>
      )}
      <List proposal={proposal} may={may} set={found.set} />
      <div class="buttons">
        <ButtonLink icon="file" href={href("search", { proposal: proposal.soar_id })}>Data</ButtonLink>
        <ButtonLink icon="cog" href={href("settings", proposal.id)}>Settings</ButtonLink>
      </div>
    </section>
  );
}

interface Part {
  proposal: FullProposal;
  set: (proposal: FullProposal) => void;
}

async function change(proposal: FullProposal, email: string, action: "add" | "remove", once: string): Promise<FullProposal> {
  const body = { email, action };
  const { collaborators } = await api.post<{ collaborators: User[] }>(`/proposals/collaborators/${proposal.id}`, body, { once });
  return { ...proposal, collaborators, collaborator_count: collaborators.length };
}

function Add({ proposal, set }: Part) {
  const [email, setEmail] = useState("");
  const once = useRef(intention());
  const { busy, error, run, clear } = useAction();
  const typed = (text: string) => {
    setEmail(text);
    once.current = intention();
    clear();
  };
  const submit = (event: Event) => {
    event.preventDefault();
    const wanted = email.trim();
    void run(async () => {
      if (!wanted) throw new Error("Type an e-mail address.");
      const next = await change(proposal, wanted, "add", once.current);
      const added = next.collaborators.find((one) => one.email.toLowerCase() === wanted.toLowerCase());
      tell("good", added && !proposal.collaborators.some((one) => one.id === added.id)
        ? isNew(added)
          ? `${wanted} is a collaborator of ${proposal.soar_id} now. The account is new: a letter with a link to set a password is on its way.`
          : `${person(added)} is a collaborator of ${proposal.soar_id} now.`
        : `${wanted} was in ${proposal.soar_id} already.`);
      set(next);
      setEmail("");
      once.current = intention();
    });
  };
  const about = fault(error, "email");
  return (
    <form class="stack" onSubmit={submit} noValidate>
      <div class="row top">
        <TextField label="E-mail address" type="email" value={email} change={typed} autocomplete="off" error={about}
          help="An address without an account gets one, and a letter with a link to set a password." />
        <div class="under-label"><Button type="submit" kind="main" icon="plus" busy={busy}>Add</Button></div>
      </div>
      {!about && <FormError error={error} />}
    </form>
  );
}

/** Nobody has used the account yet, and it was made a moment ago. */
const isNew = (one: User): boolean => one.last_login === null && Date.now() - Date.parse(one.date_joined) < 120_000;

function List({ proposal, may, set }: Part & { may: boolean }) {
  const [leaving, setLeaving] = useState<User | null>(null);
  const once = useRef(intention());
  const { busy, error, run } = useAction();
  useEffect(() => {
    once.current = intention();
  }, [leaving]);
  const remove = () =>
    void run(async () => {
      if (!leaving) return;
      set(await change(proposal, leaving.email, "remove", once.current));
      tell("good", `${person(leaving)} does not see ${proposal.soar_id} any more.`);
      setLeaving(null);
    });
  if (!proposal.collaborators.length) return <p class="soft">No collaborators yet. Whoever is added sees all data of the proposal at once.</p>;
  return (
    <>
      <div class="table-box" tabIndex={0} role="region" aria-label={`Collaborators of ${proposal.soar_id}`}>
        <table>
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">E-mail</th>
              {may && <th scope="col"><span class="hidden">Actions</span></th>}
            </tr>
          </thead>
          <tbody>
            {proposal.collaborators.map((one) => (
              <tr key={one.id}>
                <td>
                  {person(one)}
                  {one.last_login === null && <span class="soft"> · has not signed in yet</span>}
                </td>
                <td><a href={`mailto:${one.email}`}>{one.email}</a></td>
                {may && (
                  <td class="actions">
                    <Button kind="quiet" icon="trash" onClick={() => setLeaving(one)}>
                      Remove<span class="hidden"> {person(one)}</span>
                    </Button>
                  </td>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {leaving && (
        <Confirm title={`Remove ${person(leaving)}?`} yes="Remove" danger busy={busy} run={remove} close={() => setLeaving(null)}>
          <p>
            {person(leaving)} ({leaving.email}) will not see any data of {proposal.soar_id} any more, from this moment on. The account
            stays, and can be added again.
          </p>
          <FormError error={error} />
        </Confirm>
      )}
    </>
  );
}
