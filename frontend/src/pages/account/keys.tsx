// API keys: made, shown once, rotated, renamed, revoked.

import { useState } from "preact/hooks";
import { api, Refused } from "../../api/client";
import type { components } from "../../api/contract";
import { useAction, useResource } from "../../core/fetching";
import { tell } from "../../core/notices";
import { copy } from "../../core/saving";
import { Button, Confirm, Dialog, Menu, TextField, Time } from "../../parts/controls";
import { Failed, FormError, Loading } from "../../parts/states";

type Key = components["schemas"]["Key"];
type NewKey = components["schemas"]["NewKey"];
interface Keys {
  results: Key[];
  advice: string[];
}
type Doing = { what: "rename" | "rotate" | "revoke"; target: Key };

export function ApiKeys() {
  const found = useResource("keys", (signal) => api.get<Keys>("/auth/keys", {}, signal));
  const [name, setName] = useState("");
  const [made, setMade] = useState<NewKey | null>(null);
  const [doing, setDoing] = useState<Doing | null>(null);
  const { busy, error, run, clear } = useAction();
  const create = (event: Event) => {
    event.preventDefault();
    void run(async () => {
      if (!name.trim()) throw new Error("Say what the key is for: “night script”, say.");
      setMade(await api.post<NewKey>("/auth/keys", { name: name.trim() }));
      setName("");
      found.reload();
    });
  };
  const about = error instanceof Refused ? error.about("name") : undefined;
  return (
    <section class="panel" aria-labelledby="keys-title">
      <h2 id="keys-title">API keys</h2>
      <p>A script signs in with a key instead of your password. A key lasts until it is revoked, and sees what you see.</p>
      {found.data?.advice.map((sentence) => <p key={sentence} class="note">{sentence}</p>)}
      {found.error ? (
        <Failed error={found.error} retry={found.reload} />
      ) : !found.data ? (
        <Loading what="Reading your keys" />
      ) : found.data.results.length === 0 ? (
        <p class="soft">You have no keys yet.</p>
      ) : (
        <ul class="keys-list">
          {found.data.results.map((key) => (
            <li key={key.id}>
              <div>
                <strong>{key.name}</strong>
                <p class="soft">
                  Made <Time at={key.created} full />; {key.last_used ? <>last used <Time at={key.last_used} full /></> : "never used"}
                </p>
              </div>
              <Menu label={`Change ${key.name}`} icon="key" kind="quiet">
                <Button onClick={() => setDoing({ what: "rename", target: key })}>Rename</Button>
                <Button icon="retry" onClick={() => setDoing({ what: "rotate", target: key })}>Rotate: another secret</Button>
                <Button icon="trash" onClick={() => setDoing({ what: "revoke", target: key })}>Revoke</Button>
              </Menu>
            </li>
          ))}
        </ul>
      )}
      <form class="row" onSubmit={create}>
        <TextField label="Name of a new key" value={name} change={(text) => { setName(text); clear(); }} maxLength={100}
          placeholder="What it is for" error={about} />
        <Button type="submit" icon="plus" busy={busy}>Create key</Button>
      </form>
      {!about && <FormError error={error} />}
      {made && <Once made={made} close={() => setMade(null)} />}
      {doing && (
        <Change key={`${doing.what}${doing.target.id}`} {...doing} close={() => setDoing(null)}
          done={(next) => { setDoing(null); found.reload(); if (next) setMade(next); }} />
      )}
    </section>
  );
}

function Once({ made, close }: { made: NewKey; close: () => void }) {
  return (
    <Dialog title={`The key “${made.name}”`} close={close}>
      <p><strong>It is shown this once.</strong> Put it where your script finds it, not into the script itself.</p>
      <p class="secret mono" tabIndex={0}>{made.key}</p>
      {made.advice.map((sentence) => <p key={sentence} class="note warn">{sentence}</p>)}
      <footer>
        <Button kind="main" onClick={() => void copy(made.key, "The key")}>Copy</Button>
        <Button onClick={close}>I have it</Button>
      </footer>
    </Dialog>
  );
}

function Change({ what, target, close, done }: Doing & { close: () => void; done: (made?: NewKey) => void }) {
  const [name, setName] = useState(target.name);
  const { busy, error, run } = useAction();
  const path = `/auth/keys/${target.id}`;
  if (what === "rename") {
    const submit = (event: Event) => {
      event.preventDefault();
      void run(async () => {
        await api.patch(path, { name: name.trim() });
        done();
      });
    };
    return (
      <Dialog title="Rename the key" close={close}>
        <form class="stack" onSubmit={submit}>
          <TextField label="Name" value={name} change={setName} maxLength={100} autofocus />
          <FormError error={error} />
          <footer>
            <Button onClick={close}>Cancel</Button>
            <Button type="submit" kind="main" busy={busy}>Rename</Button>
          </footer>
        </form>
      </Dialog>
    );
  }
  const act = () =>
    void run(async () => {
      if (what === "rotate") return done(await api.post<NewKey>(`${path}/rotate`));
      await api.remove(path);
      tell("good", `The key “${target.name}” is revoked.`);
      return done();
    });
  return what === "rotate" ? (
    <Confirm title={`Rotate “${target.name}”?`} yes="Rotate" busy={busy} run={act} close={close}>
      <p>It gets another secret. Scripts that use the old one are refused from that moment, until they have the new one.</p>
      <FormError error={error} />
    </Confirm>
  ) : (
    <Confirm title={`Revoke “${target.name}”?`} yes="Revoke" danger busy={busy} run={act} close={close}>
      <p>Scripts that use it are refused from that moment. It cannot be taken back.</p>
      <FormError error={error} />
    </Confirm>
  );
}
