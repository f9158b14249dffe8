// Pages one reaches without being signed in: by a link of a letter, or because the password is forgotten.
// The token of a link goes into memory and out of the address at once, so that the browser's history has none.

import { useEffect, useState } from "preact/hooks";
import type { ComponentChildren } from "preact";
import { api, Refused } from "../api/client";
import type { Session } from "../api/types";
import { useAction } from "../core/fetching";
import { tell } from "../core/notices";
import { go, href, place } from "../core/router";
import { begin } from "../core/session";
import { Button, ButtonLink, TextField } from "../parts/controls";
import { Mark } from "../parts/icons";
import { FormError } from "../parts/states";
import { beside, NewPassword, useAdvice } from "./account/rules";

const gone = (error: unknown): boolean => error instanceof Refused && error.status === 410;

/** The token at the end of the link. A second link opened in the same tab brings another. */
function useLink(view: string): string {
  const [token, keep] = useState("");
  const arrived = place.value.parts[0] === view ? place.value.parts[1] : undefined;
  useEffect(() => {
    if (!arrived) return;
    keep(arrived);
    go(href(view), { replace: true });
  }, [arrived]);
  return arrived ?? token;
}

function Sheet({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section class="signin panel" aria-labelledby="sheet-title">
      <div class="headline">
        <Mark />
        <h1 id="sheet-title">{title}</h1>
      </div>
      {children}
    </section>
  );
}

export function SetPasswordPage() {
  const token = useLink("set-password");
  const advice = useAdvice();
  const [password, setPassword] = useState("");
  const { busy, error, run, clear } = useAction();
  const submit = (event: Event) => {
    event.preventDefault();
    void run(async () => {
      if (!password) throw new Error("Type a password.");
      const session = await api.post<Session>("/auth/password/set", { token, password }, { anonymous: true });
      begin(session);
      tell("good", `Your password is set, and you are signed in as ${session.user.username}.`);
      go(href(), { replace: true });
    });
  };
  if (!token) return <NoToken title="Set your password" />;
  if (gone(error)) return <Gone sentence={(error as Refused).message} />;
  return (
    <Sheet title="Set your password">
      <form class="stack" onSubmit={submit}>
        <p class="soft">The link works once, and for a day. All your other sessions end.</p>
        <NewPassword label="Password" rules={advice.data?.password_rules ?? []} error={error} value={password}
          change={(text) => { setPassword(text); clear(); }} />
        <FormError error={beside(error, "password")} />
        <div class="buttons">
          <Button type="submit" kind="main" busy={busy}>Set password and sign in</Button>
        </div>
        {advice.data?.credentials.map((sentence) => <p key={sentence} class="note">{sentence}</p>)}
      </form>
    </Sheet>
  );
}

function NoToken({ title }: { title: string }) {
  return (
    <Sheet title={title}>
      <p>The secret part of the link is not here any more: it is kept out of the browser’s history. Open the link in the letter again.</p>
      <div class="buttons">
        <ButtonLink href={href()}>To the start</ButtonLink>
        <ButtonLink href={href("forgot-password")}>Ask for a new link</ButtonLink>
      </div>
    </Sheet>
  );
}

function Gone({ sentence }: { sentence: string }) {
  return (
    <Sheet title="The link does not work any more">
      <p role="alert">{sentence}</p>
      <div class="buttons">
        <ButtonLink kind="main" icon="mail" href={href("forgot-password")}>Ask for a new link</ButtonLink>
      </div>
    </Sheet>
  );
}

export function ForgotPasswordPage() {
  const [username, setUsername] = useState("");
  const [answer, setAnswer] = useState("");
  const { busy, error, run, clear } = useAction();
  const submit = (event: Event) => {
    event.preventDefault();
    void run(async () => {
      if (!username.trim()) throw new Error("Type your user name or e-mail address.");
      const body = { username: username.trim() };
      setAnswer((await api.post<{ detail: string }>("/auth/password/forgot", body, { anonymous: true })).detail);
    });
  };
  return (
    <Sheet title="Forgot your password?">
      {answer ? (
        <>
          <p class="note" role="status">{answer}</p>
          <p class="soft">Nothing came? Look into the folder for junk, and whether the name is right. Staff can send the link, too.</p>
          <div class="buttons">
            <ButtonLink href={href()}>To sign-in</ButtonLink>
            <Button onClick={() => setAnswer("")}>Ask again</Button>
          </div>
        </>
      ) : (
        <form class="stack" onSubmit={submit}>
          <p>A link that sets a new one is mailed to you. The old one works until then.</p>
          <TextField label="User name or e-mail address" value={username} change={(text) => { setUsername(text); clear(); }}
            autocomplete="username" autofocus error={error instanceof Refused ? error.about("username") : undefined} />
          <FormError error={beside(error, "username")} />
          <div class="buttons">
            <Button type="submit" kind="main" icon="mail" busy={busy}>Mail me a link</Button>
            <a href={href()}>Back to sign-in</a>
          </div>
        </form>
      )}
    </Sheet>
  );
}

export function ConfirmEmailPage() {
  const token = useLink("confirm-email");
  const [answer, setAnswer] = useState("");
  const { busy, error, run } = useAction();
  // Not by itself: programs that look at letters for harm follow their links.
  const confirm = () =>
    void run(async () => setAnswer((await api.post<{ detail: string }>("/auth/email/confirm", { token }, { anonymous: true })).detail));
  if (!token && !answer) return <NoToken title="Confirm your e-mail address" />;
  return (
    <Sheet title="Confirm your e-mail address">
      {answer ? (
        <>
          <p class="note" role="status">{answer}</p>
          <div class="buttons"><ButtonLink kind="main" href={href()}>To the start</ButtonLink></div>
        </>
      ) : (
        <>
          <p>The address this letter came to becomes that of your account.</p>
          <FormError error={error} />
          {gone(error) && <p>Change the address once more under User information: that sends a new link.</p>}
          <div class="buttons"><Button kind="main" busy={busy} onClick={confirm}>Confirm the address</Button></div>
        </>
      )}
    </Sheet>
  );
}
