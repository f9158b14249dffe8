// User information: oneself, the password, keys, and how pictures are shown.

import { useState } from "preact/hooks";
import { api, Refused } from "../api/client";
import type { Profile } from "../api/types";
import { useAction, useResource } from "../core/fetching";
import { tell } from "../core/notices";
import { renew, user } from "../core/session";
import { Badge, Button, TextField, Time } from "../parts/controls";
import { Failed, FormError, Loading } from "../parts/states";
import { About, Visual } from "./account/about";
import { ApiKeys } from "./account/keys";
import { beside, NewPassword, useAdvice } from "./account/rules";

export function UserPage() {
  const found = useResource("me", async (signal) => {
    const me = await api.get<Profile>("/users/me", {}, signal);
    renew(me);
    return me;
  });
  const advice = useAdvice();
  if (!found.data) return found.error ? <Failed error={found.error} retry={found.reload} /> : <Loading what="Looking who you are" />;
  const me = found.data;
  return (
    <>
      <div class="headline">
        <h1>User information</h1>
        {me.is_superuser ? <Badge>Superuser</Badge> : me.is_staff && <Badge>Staff</Badge>}
        <span class="soft">
          {me.username}, since <Time at={me.date_joined} full />
        </span>
      </div>
      <div class="halves">
        <Renewed me={me} />
        <ChangePassword rules={advice.data?.password_rules ?? []} />
        <ApiKeys />
      </div>
      {advice.data && (
        <section class="panel soft" aria-labelledby="advice-title">
          <h2 id="advice-title">Good to know</h2>
          {[...advice.data.credentials, ...advice.data.network_access].map((sentence) => <p key={sentence}>{sentence}</p>)}
        </section>
      )}
    </>
  );
}

/** The forms begin with the account as the session has it: what one of them applied, the other knows. */
function Renewed({ me }: { me: Profile }) {
  const now = user.value ?? me;
  return (
    <>
      <About me={now} />
      <Visual me={now} />
    </>
  );
}

function ChangePassword({ rules }: { rules: string[] }) {
  const [current, setCurrent] = useState("");
  const [password, setPassword] = useState("");
  const { busy, error, run, clear } = useAction();
  const submit = (event: Event) => {
    event.preventDefault();
    void run(async () => {
      if (!current || !password) throw new Error("Type your current password and the new one.");
      const { detail } = await api.post<{ detail: string }>("/auth/password/change", { current_password: current, password });
      setCurrent("");
      setPassword("");
      tell("good", detail);
    });
  };
  return (
    <form class="panel stack" onSubmit={submit} aria-labelledby="password-title">
      <h2 id="password-title">Change password</h2>
      <p class="soft">All your other sessions end; API keys stay.</p>
      <TextField label="Current password" type="password" value={current} change={(text) => { setCurrent(text); clear(); }}
        autocomplete="current-password" error={error instanceof Refused ? error.about("current_password") : undefined} />
      <NewPassword rules={rules} error={error} value={password} change={(text) => { setPassword(text); clear(); }} />
      <FormError error={beside(error, "current_password", "password")} />
      <div class="buttons">
        <Button type="submit" kind="main" busy={busy}>Change password</Button>
      </div>
    </form>
  );
}
