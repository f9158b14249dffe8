// What narrows a search: text, proposal, nights, and the facets with how many files each value would leave.

import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "../../api/client";
import type { FacetMenus, Page, Proposal } from "../../api/types";
import { useResource, useSettled } from "../../core/fetching";
import { nightName, whole } from "../../core/format";
import { Choice, Field, TextField } from "../../parts/controls";
import { FACETS, menuOf, SHORTEST_TEXT, valueName, withValue, type Facet, type Wanted } from "./wanted";

export type Change = (change: Partial<Wanted>, how?: { push?: boolean }) => void;

const FEW = 6;
const MOST_PAGES_OF_PROPOSALS = 5;

/** Facets that are open before anybody asks. */
const OPEN: Facet[] = ["obstype", "data_type", "status"];

export function TextSearch({ wanted, change }: { wanted: Wanted; change: Change }) {
  const [typed, setTyped] = useState(wanted.text);
  const settled = useSettled(typed, 300);
  const sent = useRef(wanted.text);
  useEffect(() => {
    if (settled === sent.current) return;
    const push = (sent.current === "") !== (settled === "");
    sent.current = settled;
    change({ text: settled }, { push });
  }, [settled]);
  useEffect(() => {
    if (wanted.text === sent.current) return;
    sent.current = wanted.text; // changed elsewhere: a chip's cross, the browser's Back
    setTyped(wanted.text);
  }, [wanted.text]);
  const short = typed.trim().length > 0 && typed.trim().length < SHORTEST_TEXT;
  return (
    <Field label="Object or file name" help={short ? `Type at least ${SHORTEST_TEXT} letters.` : undefined}>
      {(attributes) => (
        <input {...attributes} type="search" value={typed} maxLength={80} placeholder="SN 2026abc, 0042_…"
          onInput={(event) => setTyped(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter") document.querySelector<HTMLElement>(".file-link")?.focus();
            else if (event.key === "Escape" && !typed) event.currentTarget.blur(); // the first one empties the box
          }} />
      )}
    </Field>
  );
}

/** The proposals one may choose from; staff have too many for a menu, and get the newest. */
async function proposals(signal: AbortSignal): Promise<Proposal[]> {
  const found: Proposal[] = [];
  for (let page = 1; page <= MOST_PAGES_OF_PROPOSALS; page++) {
    const answer = await api.get<Page<Proposal>>("/proposals", { page }, signal);
    found.push(...answer.results);
    if (!answer.next) break;
  }
  return found;
}

export function ProposalSelect({ wanted, change }: { wanted: Wanted; change: Change }) {
  const { data } = useResource("proposals", proposals);
  const ids = (data ?? []).map((one) => one.soar_id);
  const options = wanted.proposal && !ids.includes(wanted.proposal) ? [wanted.proposal, ...ids] : ids;
  const titles = new Map(data?.map((one) => [one.soar_id, one.title]));
  return (
    <Choice label="Proposal" value={wanted.proposal} change={(proposal) => change({ proposal }, { push: true })}
      options={[["", "All you may see"], ...options.map((id) => [id, titles.get(id) ? `${id} ${titles.get(id)}`.slice(0, 60) : id] as const)]} />
  );
}

export function Nights({ wanted, menus, change }: { wanted: Wanted; menus: FacetMenus | undefined; change: Change }) {
  const limits = { min: "", max: "" };
  if (menus?.first_night && !wanted.first && !wanted.last) {
    limits.min = nightName(menus.first_night);
    limits.max = nightName(menus.last_night);
  }
  const backwards = Boolean(wanted.first && wanted.last && wanted.first > wanted.last);
  const pick = (name: "first" | "last") => (value: string) => {
    const night = value.replace(/-/g, "");
    if (night === "" || /^[12]\d{7}$/.test(night)) change({ [name]: night }, { push: true });
  };
  return (
    <fieldset class="nights">
      <legend>Nights</legend>
      <TextField label="From" type="date" value={nightName(wanted.first)} change={pick("first")} {...limits}
        error={backwards ? "This is after the last night." : undefined} />
      <TextField label="Until" type="date" value={nightName(wanted.last)} change={pick("last")} {...limits} />
    </fieldset>
  );
}

export function FacetMenu({ facet, label, wanted, menus, change }: {
  facet: Facet; label: string; wanted: Wanted; menus: FacetMenus | undefined; change: Change;
}) {
  const [all, setAll] = useState(false);
  const menu = menuOf(menus, wanted, facet);
  const selected = wanted.facets[facet]?.length ?? 0;
  const [open, setOpen] = useState(OPEN.includes(facet) || selected > 0);
  useEffect(() => {
    if (selected) setOpen(true);
  }, [selected > 0]);
  const shown = all ? menu : menu.filter((one, at) => at < FEW || one.on);
  return (
    <details class="facet" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        {label}
        {selected > 0 && <span class="count">{selected} selected</span>}
      </summary>
      <fieldset>
        <legend class="hidden">{label}</legend>
        {shown.map(({ value, count, on }) => (
          <label key={value} class="facet-value">
            <input type="checkbox" checked={on}
              onChange={(event) => change({ facets: withValue(wanted.facets, facet, value, event.currentTarget.checked) }, { push: true })} />
            <span class="facet-name">{valueName(facet, value)}</span>
            <span class="soft">{whole(count)}</span>
          </label>
        ))}
        {menu.length === 0 && <p class="soft">{menus ? "Nothing to choose." : "Counting …"}</p>}
        {menu.length > shown.length || all ? (
          <button type="button" class="button quiet" onClick={() => setAll(!all)}>
            {all ? "Fewer" : `${menu.length - shown.length} more`}
          </button>
        ) : null}
      </fieldset>
    </details>
  );
}

export function Filters({ wanted, menus, change }: { wanted: Wanted; menus: FacetMenus | undefined; change: Change }) {
  return (
    <div class="filters panel">
      <TextSearch wanted={wanted} change={change} />
      <ProposalSelect wanted={wanted} change={change} />
      <Nights wanted={wanted} menus={menus} change={change} />
      {wanted.text.trim().length >= SHORTEST_TEXT && <p class="help">The numbers count files whatever their name; the list has those with the text.</p>}
      {FACETS.map(([facet, label]) => (
        <FacetMenu key={facet} facet={facet} label={label} wanted={wanted} menus={menus} change={change} />
      ))}
    </div>
  );
}
