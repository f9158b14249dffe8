// Buttons, fields, menus, dialogs: the small parts every page is made of.

import type { ButtonHTMLAttributes, ComponentChildren, TargetedMouseEvent } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { clock, localTime, moment, universal } from "../core/format";
import { Icon, type IconName } from "./icons";

type Attributes = Pick<
  ButtonHTMLAttributes<HTMLButtonElement>,
  "class" | "title" | "id" | "form" | "aria-label" | "aria-pressed" | "aria-expanded" | "aria-controls" | "aria-haspopup" | "onClick" | "onKeyDown"
>;

interface ButtonProps extends Attributes {
  icon?: IconName;
  kind?: "plain" | "main" | "danger" | "quiet";
  busy?: boolean;
  disabled?: boolean;
  /** Why it cannot be pressed: then it is disabled, and says so on hover and to screen readers. */
  reason?: string | null | undefined;
  type?: "button" | "submit";
  children?: ComponentChildren;
}

export function Button({ icon, kind = "plain", busy, reason, disabled, children, type = "button", onClick, ...rest }: ButtonProps) {
  const id = useId();
  const off = Boolean(busy || reason || disabled);
  return (
    <>
      <button
        {...rest}
        type={type}
        class={`button ${kind} ${rest.class ?? ""}`}
        aria-disabled={off || undefined}
        aria-busy={busy || undefined}
        aria-describedby={reason ? id : undefined}
        title={reason ?? rest.title}
        onClick={(event: TargetedMouseEvent<HTMLButtonElement>) => {
          if (off) event.preventDefault();
          else if (typeof onClick === "function") onClick(event);
        }}
      >
        {busy ? <span class="spinner" aria-hidden="true" /> : icon && <Icon name={icon} />}
        {children && <span>{children}</span>}
      </button>
      {reason && (
        <span id={id} class="hidden">
          {reason}
        </span>
      )}
    </>
  );
}

/** A button that shows an icon only; its label is for screen readers and on hover. */
export function IconButton({ label, icon, ...rest }: Omit<ButtonProps, "children"> & { label: string; icon: IconName }) {
  return <Button {...rest} icon={icon} class={`icon-only ${rest.class ?? ""}`} aria-label={label} title={rest.reason ?? label} />;
}

/** A link that looks like a button. */
export function ButtonLink(props: { href: string; icon?: IconName; kind?: string; download?: string; children: ComponentChildren }) {
  const { href, icon, kind = "plain", download, children } = props;
  return (
    <a class={`button ${kind}`} href={href} download={download}>
      {icon && <Icon name={icon} />}
      <span>{children}</span>
    </a>
  );
}

interface FieldProps {
  label: string;
  help?: ComponentChildren;
  error?: string | undefined;
  children: (attributes: { id: string; "aria-describedby"?: string; "aria-invalid"?: boolean }) => ComponentChildren;
  inline?: boolean;
}

/** A labelled control with its sentence of help and of error. */
export function Field({ label, help, error, children, inline }: FieldProps) {
  const id = useId();
  const told = [help ? `${id}-help` : "", error ? `${id}-error` : ""].filter(Boolean).join(" ");
  return (
    <div class={inline ? "field inline" : "field"}>
      <label for={id}>{label}</label>
      {children({ id, ...(told ? { "aria-describedby": told } : {}), ...(error ? { "aria-invalid": true } : {}) })}
      {help && (
        <small id={`${id}-help`} class="help">
          {help}
        </small>
      )}
      {error && (
        <small id={`${id}-error`} class="field-error">
          {error}
        </small>
      )}
    </div>
  );
}

interface TextProps extends Omit<FieldProps, "children"> {
  value: string;
  change: (value: string) => void;
  type?: "text" | "email" | "password" | "search" | "number" | "date";
  placeholder?: string;
  autocomplete?: string;
  required?: boolean;
  disabled?: boolean;
  maxLength?: number;
  min?: number | string;
  max?: number | string;
  step?: number | string;
  rows?: number;
  autofocus?: boolean;
}

/** A line of text (or several, with `rows`) and its label. */
export function TextField({ label, help, error, inline, value, change, rows, autofocus, ...rest }: TextProps) {
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (autofocus) box.current?.focus();
  }, [autofocus]);
  return (
    <Field label={label} help={help} error={error} inline={inline ?? false}>
      {(attributes) =>
        rows ? (
          <textarea {...attributes} rows={rows} value={value} maxLength={rest.maxLength} required={rest.required}
            disabled={rest.disabled} placeholder={rest.placeholder} onInput={(event) => change(event.currentTarget.value)} />
        ) : (
          <input {...attributes} {...(rest as { type?: "text" })} ref={box} value={value} onInput={(event) => change(event.currentTarget.value)} />
        )
      }
    </Field>
  );
}

/** A choice of few. */
export function Choice<T extends string>(props: {
  label: string;
  value: T;
  options: readonly (readonly [T, string])[];
  change: (value: T) => void;
  help?: ComponentChildren;
  error?: string | undefined;
  inline?: boolean;
  disabled?: boolean;
}) {
  const { label, value, options, change, help, error, inline, disabled } = props;
  return (
    <Field label={label} help={help} error={error} inline={inline ?? false}>
      {(attributes) => (
        <select {...attributes} value={value} disabled={disabled} onChange={(event) => change(event.currentTarget.value as T)}>
          {options.map(([name, text]) => (
            <option key={name} value={name}>
              {text}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

/** A thing that is on or off. */
export function Switch({ label, on, change, help, disabled }: {
  label: string; on: boolean; change: (on: boolean) => void; help?: ComponentChildren; disabled?: boolean;
}) {
  const id = useId();
  return (
    <div class="switch">
      <label>
        <input type="checkbox" checked={on} disabled={disabled} aria-describedby={help ? id : undefined}
          onChange={(event) => change(event.currentTarget.checked)} />
        <span>{label}</span>
      </label>
      {help && <small id={id} class="help">{help}</small>}
    </div>
  );
}

/** A dialog over the page; Escape and the cross close it, focus returns to where it was. */
export function Dialog({ title, close, children, wide }: {
  title: string; close: () => void; children: ComponentChildren; wide?: boolean;
}) {
  const box = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement;
    const dialog = box.current;
    dialog?.showModal();
    return () => {
      dialog?.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog ref={box} class={wide ? "dialog wide" : "dialog"} aria-labelledby={id}
      onCancel={(event) => { event.preventDefault(); close(); }}
      onMouseDown={(event) => event.target === box.current && close()}>
      <div class="dialog-body">
        <header>
          <h2 id={id}>{title}</h2>
          <IconButton label="Close" icon="close" kind="quiet" onClick={close} />
        </header>
        {children}
      </div>
    </dialog>
  );
}

/** Asks before something is done that cannot simply be done again. */
export function Confirm({ title, children, yes, run, close, busy, danger }: {
  title: string; children: ComponentChildren; yes: string; run: () => void; close: () => void; busy?: boolean; danger?: boolean;
}) {
  return (
    <Dialog title={title} close={close}>
      {children}
      <footer>
        <Button onClick={close}>Cancel</Button>
        <Button kind={danger ? "danger" : "main"} busy={busy ?? false} onClick={run}>{yes}</Button>
      </footer>
    </Dialog>
  );
}

/** A button that opens a list of actions below it. */
export function Menu({ label, icon, children, kind = "plain" }: {
  label: string; icon?: IconName; children: ComponentChildren; kind?: "plain" | "main" | "quiet";
}) {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    const outside = (event: MouseEvent) => !box.current?.contains(event.target as Node) && setOpen(false);
    const escape = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      event.preventDefault(); // it is the menu's: nothing else is left or closed
      event.stopPropagation();
      setOpen(false);
      box.current?.querySelector("button")?.focus();
    };
    document.addEventListener("mousedown", outside);
    document.addEventListener("keydown", escape);
    return () => {
      document.removeEventListener("mousedown", outside);
      document.removeEventListener("keydown", escape);
    };
  }, [open]);
  return (
    <div class="menu" ref={box}
      onFocusOut={({ relatedTarget }) => relatedTarget instanceof Node && !box.current?.contains(relatedTarget) && setOpen(false)}>
      <button type="button" class={`button ${kind}`} aria-expanded={open} onClick={() => setOpen(!open)}>
        {icon && <Icon name={icon} />}
        <span>{label}</span>
        <Icon name="down" />
      </button>
      {open && (
        <div class="menu-list" onClick={() => {
          // What was pressed is gone in a moment: a dialog it opens gives the focus back to the menu's own button.
          box.current?.querySelector("button")?.focus();
          setOpen(false);
        }}>
          {children}
        </div>
      )}
    </div>
  );
}

export interface Tab {
  id: string;
  label: string;
  count?: number | undefined;
  mark?: ComponentChildren;
}

/** Tabs: arrow keys go from one to the next. The panel is the caller's: `<div role="tabpanel" id={panel}>`. */
export function Tabs({ label, tabs, current, change, panel }: {
  label: string; tabs: Tab[]; current: string; change: (id: string) => void; panel: string;
}) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // Where not all tabs have room, the chosen one is in view; the page itself is not scrolled.
    const [row, tab] = [box.current, box.current?.querySelector("[aria-selected=true]")?.getBoundingClientRect()];
    if (!row || !tab) return;
    const { left, right } = row.getBoundingClientRect();
    row.scrollLeft += Math.max(0, tab.right - right) - Math.max(0, left - tab.left);
  }, [current]);
  const step = (event: KeyboardEvent) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const at = tabs.findIndex((tab) => tab.id === current);
    const next = (at + by + tabs.length) % tabs.length;
    const tab = tabs[next];
    if (tab) change(tab.id);
    box.current?.querySelectorAll<HTMLElement>("[role=tab]")[next]?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label={label} ref={box} onKeyDown={step}>
      {tabs.map((tab) => (
        <button key={tab.id} type="button" role="tab" id={`${panel}-${tab.id}`} aria-selected={tab.id === current}
          aria-controls={tab.id === current ? panel : undefined} tabIndex={tab.id === current ? 0 : -1} onClick={() => change(tab.id)}>
          {tab.label}
          {tab.count !== undefined && <span class="count">{tab.count.toLocaleString("en")}</span>}
          {tab.mark}
        </button>
      ))}
    </div>
  );
}

/** ‹ 1 2 … N › with a box to go to any page. Without a count there is only older and newer. */
export function Pager({ page, pages, go, label }: { page: number; pages: number; go: (page: number) => void; label: string }) {
  const [typed, setTyped] = useState("");
  if (pages <= 1) return null;
  const shown = [...new Set([1, page - 1, page, page + 1, pages])].filter((n) => n >= 1 && n <= pages);
  const jump = (event: Event) => {
    event.preventDefault();
    const wanted = Number(typed);
    if (Number.isInteger(wanted) && wanted >= 1) go(Math.min(wanted, pages));
    setTyped("");
  };
  return (
    <nav class="pager" aria-label={label}>
      <IconButton label="Previous page" icon="left" kind="quiet" disabled={page <= 1} onClick={() => go(page - 1)} />
      {shown.map((n, i) => (
        <>
          {i > 0 && n - (shown[i - 1] ?? n) > 1 && <span class="gap">…</span>}
          <button key={n} type="button" class="page" aria-current={n === page ? "page" : undefined} onClick={() => go(n)}>
            <span class="hidden">Page </span>
            {n.toLocaleString("en")}
          </button>
        </>
      ))}
      <IconButton label="Next page" icon="right" kind="quiet" disabled={page >= pages} onClick={() => go(page + 1)} />
      <form onSubmit={jump}>
        <input aria-label={`Go to page, 1 to ${pages}`} placeholder="Page" inputMode="numeric" value={typed}
          onInput={(event) => setTyped(event.currentTarget.value.replace(/\D/g, ""))} />
      </form>
    </nav>
  );
}

const WORDS: Record<string, string> = {
  done: "Done", provisional: "Provisional", waiting: "Waiting", failed: "Failed", rejected: "Rejected", queued: "Queued", running: "Running",
};

/** A file's status in words; the shape of the dot says it too, so nothing depends on the colour. */
export function Status({ status, reason }: { status: string | null; reason?: string | null }) {
  const name = status ?? "unknown";
  return (
    <span class={`status ${name}`} title={reason ?? undefined}>
      <span class="dot" aria-hidden="true" />
      {WORDS[name] ?? name}
    </span>
  );
}

/** A moment in UT; the local time on hover. `full` has its date; `short` has neither date nor "UT", where both are told already. */
export function Time({ at, full, short }: { at: string | null | undefined; full?: boolean; short?: boolean }) {
  return (
    <time dateTime={at ?? ""} title={`${moment(at)}\n${localTime(at)}`}>
      {full ? moment(at) : short ? clock(at, Date.parse(at ?? "")) : universal(at)}
    </time>
  );
}

export function Badge({ children, kind = "" }: { children: ComponentChildren; kind?: "" | "warn" | "bad" | "good" }) {
  return <span class={`badge ${kind}`}>{children}</span>;
}
