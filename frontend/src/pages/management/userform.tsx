// An account made or changed by staff.

import { useRef, useState } from "preact/hooks";
import { api, intention } from "../../api/client";
import type { Profile } from "../../api/types";
import type { components } from "../../api/contract";
import { useAction, useResource } from "../../core/fetching";
import { tell } from "../../core/notices";
import { go, href } from "../../core/router";
import { user as me } from "../../core/session";
import { useUnsaved } from "../../core/unsaved";
import { Badge, Button, Confirm, Switch, TextField, Time } from "../../parts/controls";
import { Failed, FormError, Loading } from "../../parts/states";
import { fault } from "../account/fault";
import { beside } from "../account/rules";
import { person } from "../proposal/read";

type Invitation = components["schemas"]["Invitation"];
type Facts = Pick<Profile, "username" | "email" | "first_name" | "last_name" | "partner_institution" | "is_staff">;

const FIELDS = ["username", "email", "first_name", "last_name", "partner_institution"] as const;
const NOBODY: Facts = { username: "", email: "", first_name: "", last_name: "", partner_institution: "", is_staff: false };

interface FieldsProps {
  facts: Facts;
  change: (facts: Facts) => void;
  error: unknown;
}

function Fields({ facts, change, error }: FieldsProps) {
  const about = (field: string) => fault(error, field);
  const put = (name: keyof Facts) => (value: string) => change({ ...facts, [name]: value });
  const may = me.value?.is_superuser ?? false;
  return (
    <>
      <div class="row top">
        <TextField label="First name" value={facts.first_name} change={put("first_name")} autocomplete="off" maxLength={150} error={about("first_name")} />
        <TextField label="Last name" value={facts.last_name} change={put("last_name")} autocomplete="off" maxLength={150} error={about("last_name")} />
      </div>
      <div class="row top">
        <TextField label="User name" value={facts.username} change={put("username")} autocomplete="off" maxLength={150} error={about("username")}
          help="Letters, digits, and . _ + -; upper and lower case are alike." />
        <TextField label="E-mail address" type="email" value={facts.email} change={put("email")} autocomplete="off" error={about("email")} />
      </div>
      <TextField label="Partner institution" value={facts.partner_institution} change={put("partner_institution")} autocomplete="off"
        maxLength={200} error={about("partner_institution")} />
      <Switch label="Staff" on={facts.is_staff} disabled={!may} change={(is_staff) => change({ ...facts, is_staff })}
        help={may ? "Staff see all data and manage users and proposals." : "Only superusers make somebody staff."} />
      <FormError error={beside(error, ...FIELDS)} />
    </>
  );
}

function trimmed(facts: Facts): Facts {
  const next = { ...facts };
  for (const name of FIELDS) next[name] = facts[name].trim();
  return next;
}

export function NewUser() {
  const [facts, setFacts] = useState(NOBODY);
  const once = useRef(intention());
  const { busy, error, run, clear } = useAction();
  useUnsaved(!busy && Object.values(facts).some(Boolean));
  const change = (next: Facts) => {
    setFacts(next);
    once.current = intention();
    clear();
  };
  const submit = (event: Event) => {
    event.preventDefault();
    void run(async () => {
      const { is_staff, ...rest } = trimmed(facts);
      if (!rest.username || !rest.email) throw new Error("A user name and an e-mail address are needed.");
      const body = is_staff ? { ...rest, is_staff } : rest;
      const made = await api.post<Profile & { invitation: Invitation }>("/users", body, { once: once.current });
      tell(made.invitation.sent ? "good" : "bad", `${made.username} has an account. ${made.invitation.detail}`);
      go(href("management", "proposals", "new", { pi: made.email }));
    });
  };
  return (
    <form class="panel stack" onSubmit={submit} noValidate aria-labelledby="new-user">
      <h2 id="new-user">Add user</h2>
      <p class="soft">A link that sets the password is mailed to the new user. The form for a proposal of theirs comes next.</p>
      <Fields facts={facts} change={change} error={error} />
      <div class="buttons">
        <Button type="submit" kind="main" busy={busy}>Add user</Button>
        <a href={href("management", "users")}>Back to the users</a>
      </div>
    </form>
  );
}

export function EditUser({ id }: { id: string }) {
  const found = useResource(`user-${id}`, (signal) => api.get<Profile>(`/users/${id}`, {}, signal));
  if (!found.data) return found.error ? <Failed error={found.error} retry={found.reload} /> : <Loading what="Looking for the user" />;
  return <Account key={id} user={found.data} set={found.set} />;
}

function Account({ user, set }: { user: Profile; set: (user: Profile) => void }) {
  const own = user.id === me.value?.id;
  const beyond = (user.is_staff || user.is_superuser) && !me.value?.is_superuser;
  return (
    <section class="panel" aria-labelledby="user-title">
      <div class="headline">
        <h2 id="user-title">{person(user)}</h2>
        <Badge>{user.is_superuser ? "Superuser" : user.is_staff ? "Staff" : "User"}</Badge>
        {!user.is_active && <Badge kind="bad">Deactivated</Badge>}
      </div>
      <p class="soft">
        {user.email}. Since <Time at={user.date_joined} full />; {user.last_login ? <>last sign-in <Time at={user.last_login} full /></> : "has not signed in yet"}.
      </p>
      {own ? (
        <p class="note">This is you. Your own account is changed under <a href={href("user")}>User information</a>.</p>
      ) : beyond ? (
        <p class="note">This is an account of staff. Only superusers change those.</p>
      ) : (
        <>
          <Edit user={user} set={set} />
          <Doors user={user} set={set} />
        </>
      )}
      <p><a href={href("management", "users")}>Back to the users</a></p>
    </section>
  );
}

function Edit({ user, set }: { user: Profile; set: (user: Profile) => void }) {
  const [facts, setFacts] = useState<Facts>(user);
  const { busy, error, run, clear } = useAction();
  const now = trimmed(facts);
  const changed = Object.fromEntries([...FIELDS, "is_staff" as const].filter((name) => now[name] !== user[name]).map((name) => [name, now[name]]));
  const dirty = Object.keys(changed).length > 0;
  useUnsaved(dirty);
  const submit = (event: Event) => {
    event.preventDefault();
    void run(async () => {
      const next = await api.patch<Profile>(`/users/${user.id}`, changed);
      set(next);
      setFacts(next);
      tell("good", `The account of ${next.username} is changed.`);
    });
  };
  return (
    <form class="stack" onSubmit={submit} noValidate>
      <Fields facts={facts} change={(next) => { setFacts(next); clear(); }} error={error} />
      <div class="buttons">
        <Button type="submit" kind="main" busy={busy} reason={dirty ? null : "Nothing is changed."}>Apply</Button>
      </div>
    </form>
  );
}

/** The ways in and out: invited again, deactivated, activated. */
function Doors({ user, set }: { user: Profile; set: (user: Profile) => void }) {
  const [asking, ask] = useState(false);
  const { busy, error, run } = useAction();
  const activate = (is_active: boolean) =>
    void run(async () => {
      set(await api.patch<Profile>(`/users/${user.id}`, { is_active }));
      tell("good", is_active ? `${user.username} may sign in again, with a new link or the old password.` : `${user.username} is out.`);
      ask(false);
    });
  const invite = () =>
    void run(async () => {
      const { sent, detail } = await api.post<Invitation>(`/users/${user.id}/invite`);
      tell(sent ? "good" : "bad", detail);
    });
  return (
    <div class="stack">
      <div class="buttons">
        <Button icon="mail" busy={busy && !asking} onClick={invite} reason={user.is_active ? null : "The account is deactivated: activate it first."}>
          Invite again
        </Button>
        {user.is_active ? (
          <Button kind="danger" onClick={() => ask(true)}>Deactivate</Button>
        ) : (
          <Button busy={busy} onClick={() => activate(true)}>Activate again</Button>
        )}
      </div>
      {!asking && <FormError error={error} />}
      {asking && (
        <Confirm title={`Deactivate ${user.username}?`} yes="Deactivate" danger busy={busy} run={() => activate(false)} close={() => ask(false)}>
          <p>
            {person(user)} is out from this moment: all sessions, API keys and links end for good, also if the account is activated
            again later. Proposals, comments and files stay.
          </p>
          <FormError error={error} />
        </Confirm>
      )}
    </div>
  );
}
