// The frame of the page: navigation, the view the address names, notices, the keyboard map.

import type { ComponentType } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "./api/client";
import { useKeys } from "./core/keys";
import { connection, lookNow, retryAt } from "./core/live";
import { dismiss, notices, tell } from "./core/notices";
import { go, href, place } from "./core/router";
import { end, expired, user } from "./core/session";
import { viewTitle } from "./core/title";
import { mayLeave } from "./core/unsaved";
import { styled } from "./core/styles";
import { nextTheme, theme, THEME_NAMES } from "./core/theme";
import { Button, IconButton } from "./parts/controls";
import { Icon, Mark } from "./parts/icons";
import { Empty, Failed, Loading } from "./parts/states";
import { DataPage } from "./pages/data/page";

type Page = ComponentType;
interface View {
  name: string;
  /** Shown in the bar; null is reached otherwise. */
  label: string | null;
  /** In the browser's tab, where it is not the label. */
  title?: string;
  staff?: boolean;
  load: () => Promise<Page> | Page;
}

const VIEWS: View[] = [
  { name: "", label: null, title: "Home", load: async () => (await styled("pages", import("./pages/home"))).HomePage },
  { name: "data", label: "Data", load: () => DataPage },
  { name: "night", label: "Night", load: async () => (await styled("night", import("./pages/night/page"))).NightPage },
  { name: "search", label: "Search", load: async () => (await styled("search", import("./pages/search/page"))).SearchPage },
  { name: "proposals", label: "Proposals", load: async () => (await styled("pages", import("./pages/proposals"))).ProposalsPage },
  { name: "collaborators", label: null, title: "Collaborators", load: async () => (await styled("pages", import("./pages/collaborators"))).CollaboratorsPage },
  { name: "settings", label: null, title: "Data reduction settings", load: async () => (await styled("pages", import("./pages/settings"))).SettingsPage },
  { name: "logs", label: "Logs", load: async () => (await styled("pages", import("./pages/logs"))).LogsPage },
  { name: "management", label: "Management", staff: true, load: async () => (await styled("pages", import("./pages/management/page"))).ManagementPage },
  { name: "docs", label: "API docs", load: async () => (await styled("pages", import("./pages/docs"))).DocsPage },
  { name: "user", label: null, title: "User information", load: async () => (await styled("pages", import("./pages/user"))).UserPage },
];
/** Views that need no sign-in. */
const OPEN: View[] = [
  { name: "set-password", label: null, title: "Set password", load: async () => (await styled("pages", import("./pages/password"))).SetPasswordPage },
  { name: "forgot-password", label: null, title: "Forgot password", load: async () => (await styled("pages", import("./pages/password"))).ForgotPasswordPage },
  { name: "confirm-email", label: null, title: "Confirm e-mail address", load: async () => (await styled("pages", import("./pages/password"))).ConfirmEmailPage },
  { name: "docs", label: null, title: "API docs", load: async () => (await styled("pages", import("./pages/docs"))).DocsPage },
];
const SIGN_IN: View = { name: "sign-in", label: null, title: "Sign in", load: async () => (await import("./later")).SignIn };

const pages = new Map<string, Page>();

function Shown({ view }: { view: View }) {
  const key = `${view.name}`;
  const [, redraw] = useState(0);
  const [error, setError] = useState<unknown>();
  const [turn, again] = useState(0);
  let page = pages.get(key);
  if (!page) {
    const loaded = view.load();
    if (typeof loaded === "function") {
      page = loaded;
      pages.set(key, page);
    }
  }
  useEffect(() => {
    setError(undefined);
    if (pages.has(key)) return;
    void Promise.resolve(view.load()).then(
      (found) => {
        pages.set(key, found);
        redraw((n) => n + 1);
      },
      setError,
    );
  }, [key, turn]);
  if (page) {
    const Found = page;
    return <Found />;
  }
  if (error) {
    const lost = new Error("This part of the page could not be fetched. Is the network up, or has the page been updated meanwhile?");
    return <Failed error={lost} retry={() => (turn > 0 ? location.reload() : again((n) => n + 1))} />;
  }
  return <Loading />;
}

function Connection() {
  const state = connection.value;
  const [, tick] = useState(0);
  useEffect(() => {
    if (state !== "lost") return;
    const timer = setInterval(() => tick((n) => n + 1), 1000);
    return () => clearInterval(timer);
  }, [state]);
  const left = Math.max(0, Math.ceil((retryAt.value - Date.now()) / 1000));
  const words = { live: "Live", paused: "Paused", starting: "Connecting", lost: "No connection" }[state];
  return (
    <>
      <span class={`connection ${state}`} title={state === "live" ? "News arrives by itself" : undefined}>
        <span class="dot" aria-hidden="true" />
        <span class="words">{words}</span>
      </span>
      {state === "lost" && (
        <Button kind="quiet" icon="retry" onClick={lookNow}>
          {left > 0 ? `Next try in ${left} s` : "Trying"}
        </Button>
      )}
      <span class="hidden" role="status">
        {state === "lost" ? "The connection is lost. What you see may be old. It is tried again by itself." : ""}
      </span>
    </>
  );
}

function Bar() {
  const here = place.value.parts[0] ?? "";
  const [open, setOpen] = useState(false);
  useEffect(() => setOpen(false), [place.value]);
  const me = user.value;
  return (
    <header class={open ? "bar open" : "bar"}>
      <a class="brand" href={href()} aria-label="Goodman Live, home">
        <Mark />
        <span>Goodman Live</span>
      </a>
      {me && (
        <nav aria-label="Main" id="main-navigation">
          {VIEWS.filter((view) => view.label && (!view.staff || me.is_staff)).map((view) => (
            <a key={view.name} href={href(view.name)} aria-current={here === view.name ? "page" : undefined}>
              {view.label}
            </a>
          ))}
        </nav>
      )}
      <span class="space" />
      {me && <Connection />}
      <IconButton label={`Theme: ${THEME_NAMES[theme.value]}. Next one`} icon={theme.value === "light" ? "sun" : "moon"} kind="quiet" onClick={nextTheme} />
      {me && (
        <div class="who">
          <a class="button quiet user" href={href("user")} aria-current={here === "user" ? "page" : undefined} title="User information">
            {me.username}
          </a>
          <Button kind="quiet" onClick={signOut}>
            Logout
          </Button>
        </div>
      )}
      {me && (
        <IconButton label="Menu" icon="menu" kind="quiet" class="menu-button" aria-expanded={open}
          aria-controls="main-navigation" onClick={() => setOpen(!open)} />
      )}
    </header>
  );
}

function signOut(): void {
  if (!mayLeave()) return;
  void api.post("/auth/logout").catch(() => undefined); // the token is forgotten here in any case
  end();
  go(href());
}

function Notices() {
  return (
    <div class="notices" role="status" aria-live="polite">
      {notices.value.map((one) => (
        <div key={one.id} class={`notice ${one.kind}`}>
          <p>{one.text}</p>
          {one.action && (
            <Button kind="quiet" onClick={() => { one.action?.run(); dismiss(one.id); }}>
              {one.action.label}
            </Button>
          )}
          <IconButton label="Dismiss" icon="close" kind="quiet" onClick={() => dismiss(one.id)} />
        </div>
      ))}
    </div>
  );
}

/** To the search box, and to the page that has it. */
function toSearch(): void {
  if (place.value.parts[0] !== "search") go(href("search"));
  const look = (turns: number): void => {
    if (place.value.parts[0] !== "search") return;
    const box = document.querySelector<HTMLElement>(".filters input[type=search]");
    if (!box && turns) setTimeout(look, 50, turns - 1);
    if (box && !box.offsetParent) document.querySelector<HTMLElement>(".filter-switch")?.click(); // a narrow window folds it away
    requestAnimationFrame(() => box?.focus());
  };
  setTimeout(look, 0, 100);
}

/** Over everything, open dialogs too: what is below is there again in a moment, and nobody else's to see. */
function SignInAgain() {
  const box = useRef<HTMLDialogElement>(null);
  const show = () => box.current?.isConnected && box.current.showModal();
  useEffect(() => {
    show();
    return () => box.current?.close();
  }, []);
  return (
    <dialog ref={box} class="again" aria-labelledby="signin-title" onCancel={(event) => event.preventDefault()} onClose={show}>
      <Shown view={SIGN_IN} />
    </dialog>
  );
}

export function App() {
  const [KeyMap, showKeys] = useState<ComponentType<{ close: () => void }> | null>(null);
  const listKeys = () =>
    void import("./later").then((found) => showKeys(() => found.KeyMap), () => tell("bad", "The list could not be fetched. Is the network up?"));
  const main = useRef<HTMLElement>(null);
  const name = place.value.parts[0] ?? "";
  const me = user.value;
  useKeys("Everywhere", [
    { key: "?", help: "this list", run: () => (KeyMap ? showKeys(null) : listKeys()) },
    { key: "t", help: "next theme", run: nextTheme },
    ...(me
      ? [
          { key: "/", help: "search", run: toSearch },
          { key: "d", help: "data", run: () => name !== "data" && go(href("data")) },
          { key: "g", help: "the live night", run: () => go(href("night")) },
        ]
      : []),
  ]);
  // Whose session has expired finds everything as it was, below the sign-in, and so does what they had not sent.
  const [kept, keep] = useState(me);
  const whose = me ?? (expired.value ? kept : null);
  useEffect(() => keep(whose), [whose]);
  useEffect(() => {
    if (me) void import("./later").then((found) => found.watchFailures()).catch(() => undefined);
  }, [me?.id]);
  const view = (whose ? [...VIEWS, ...OPEN] : OPEN).find((one) => one.name === name);
  const asks = !me && !OPEN.some((one) => one.name === name);
  useEffect(() => scrollTo(0, 0), [name]);
  useEffect(() => {
    viewTitle.value = (asks ? SIGN_IN : view)?.title ?? view?.label ?? "Not found";
  }, [view, asks]);
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); main.current?.focus(); }}>
        To the content
      </a>
      <Bar />
      <main id="main" ref={main} tabIndex={-1} class={name === "data" || name === "night" || name === "search" ? "" : "reading"}>
        {view ? (
          view.staff && !whose?.is_staff ? (
            <Empty>This part is for the observatory's staff.</Empty>
          ) : (
            <Shown key={`${view.name} ${whose?.id}`} view={view} />
          )
        ) : whose ? (
          <Empty>
            There is no such page here. <a href={href()}>To the start</a>
          </Empty>
        ) : (
          <Shown view={SIGN_IN} />
        )}
      </main>
      {asks && whose && <SignInAgain />}
      <footer class="foot">
        <a href="/manual/" target="_blank" rel="noopener">
          User manual <Icon name="external" />
        </a>
        <Button kind="quiet" onClick={listKeys}>
          Keys: ?
        </Button>
      </footer>
      <Notices />
      {KeyMap && <KeyMap close={() => showKeys(null)} />}
    </>
  );
}
