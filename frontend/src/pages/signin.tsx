// Sign-in. After an expired session the address stays, so one goes on where one was.

import { useState } from "preact/hooks";
import { api, Refused } from "../api/client";
import type { Session } from "../api/types";
import { useAction, useResource } from "../core/fetching";
import { href } from "../core/router";
import { begin, expired } from "../core/session";
import { Button, TextField } from "../parts/controls";
import { Mark } from "../parts/icons";
import { FormError } from "../parts/states";

interface Advice {
  credentials: string[];
  network_access: string[];
}

export function SignIn() {
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const { busy, error, run } = useAction();
  const advice = useResource("advice", (signal) => api.get<Advice>("/auth/advice", {}, signal));
  const submit = (event: Event) => {
    event.preventDefault();
    void run(async () => {
      if (!username.trim() || !password) throw new Error("Type your user name (or e-mail address) and your password.");
      begin(await api.post<Session>("/auth/login", { username: username.trim(), password }, { anonymous: true }));
    });
  };
  return (
    <div class="signin">
      <form class="panel stack" onSubmit={submit} aria-labelledby="signin-title">
        <div class="headline">
          <Mark />
          <h1 id="signin-title">Sign in to Goodman Live</h1>
        </div>
        {expired.value && (
          <p class="note warn" role="status">
            Your session has ended. Sign in, and you go on where you were.
          </p>
        )}
        <TextField label="User name or e-mail address" value={username} change={setUsername} autocomplete="username" autofocus />
        <TextField label="Password" type="password" value={password} change={setPassword} autocomplete="current-password" />
        <FormError error={error instanceof Refused && error.status === 429 && error.wait ? new Error(`${error.message} (${Math.ceil(error.wait / 60)} min)`) : error} />
        <div class="buttons">
          <Button type="submit" kind="main" busy={busy}>
            Sign in
          </Button>
          <a href={href("forgot-password")}>Forgot your password?</a>
        </div>
      </form>
      <aside class="soft">
        {(advice.data ? [...advice.data.credentials, ...advice.data.network_access] : []).map((sentence) => (
          <p key={sentence}>{sentence}</p>
        ))}
      </aside>
    </div>
  );
}
