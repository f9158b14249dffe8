// A proposal's reduction settings: the form is made from what the API says of each setting.

import { useEffect, useState } from "preact/hooks";
import { api, Refused } from "../api/client";
import type { ProposalSettings } from "../api/types";
import { useAction, useResource } from "../core/fetching";
import { moment } from "../core/format";
import { tell } from "../core/notices";
import { href, place } from "../core/router";
import { useUnsaved } from "../core/unsaved";
import { Button, ButtonLink } from "../parts/controls";
import { Failed, FormError, Loading } from "../parts/states";
import { Chooser } from "./proposal/chooser";
import { full, person } from "./proposal/read";
import { Reprocess } from "./proposal/reprocess";
import { SettingField } from "./proposal/settingfield";
import { SettingHistory } from "./proposal/settinghistory";
import { changes, settingName, steps, stepText, typed, valuesOf, type Values } from "./proposal/settingvalues";

export function SettingsPage() {
  const id = place.value.parts[1];
  return (
    <>
      <h1>Data reduction settings</h1>
      <div class="beside">
        <Chooser view="settings" current={id} />
        {id ? <Loaded key={id} id={id} /> : <p class="soft">Choose a proposal to see how its frames are reduced.</p>}
      </div>
    </>
  );
}

function Loaded({ id }: { id: string }) {
  const found = useResource(`settings-${id}`, (signal) => api.get<ProposalSettings>(`/proposals/settings/${id}`, {}, signal));
  if (!found.data) return found.error ? <Failed error={found.error} retry={found.reload} /> : <Loading what="Reading the settings" />;
  return (
    <div class="stack grow">
      <Form settings={found.data} set={found.set} />
      <section class="panel" aria-labelledby="reprocess-title">
        <h2 id="reprocess-title">Files that are there already</h2>
        <p>Settings apply to every new file. What was reduced before stays as it is, unless it is reprocessed.</p>
        <Reprocess soarId={found.data.soar_id} may={found.data.may_edit} />
      </section>
      <SettingHistory key={found.data.revision} settings={found.data} />
    </div>
  );
}

function Form({ settings, set }: { settings: ProposalSettings; set: (settings: ProposalSettings) => void }) {
  const base = valuesOf(settings.settings);
  const [edits, setEdits] = useState<Values>({});
  const [wrong, setWrong] = useState<Record<string, string>>({});
  const [meanwhile, setMeanwhile] = useState<ProposalSettings | null>(null);
  const { busy, error, run, clear } = useAction();
  const wanted = changes(edits, base);
  const count = Object.keys(wanted).length;
  useUnsaved(count > 0);
  useEffect(clear, [settings]);

  const change = (name: string, value: Values[string]) => {
    setEdits({ ...edits, [name]: value });
    setWrong(Object.fromEntries(Object.entries(wrong).filter(([one]) => one !== name)));
  };
  const apply = (event: Event) => {
    event.preventDefault();
    const ready: Values = {};
    const faults: Record<string, string> = {};
    for (const description of settings.descriptions) {
      const value = wanted[description.name];
      if (value === undefined) continue;
      const read = typeof value === "string" ? typed(description, value) : value;
      if (read instanceof Error) faults[description.name] = read.message;
      else if (read !== base[description.name]) ready[description.name] = read;
    }
    setWrong(faults);
    if (Object.keys(faults).length) return;
    void run(async () => {
      if (!Object.keys(ready).length) return setEdits({});
      try {
        const path = `/proposals/settings/${settings.proposal}`;
        const next = await api.patch<ProposalSettings>(path, { revision: settings.revision, settings: ready });
        // What was edited again while the answer was on its way stays an edit.
        setEdits((now) => Object.fromEntries(Object.entries(now).filter(([name, value]) => !(name in ready) || value !== edits[name])));
        set(next);
        tell("good", `Revision ${next.revision} of the settings applies to every new file of ${next.soar_id}.`);
      } catch (refused) {
        if (!(refused instanceof Refused && refused.status === 409)) throw refused;
        setMeanwhile(await api.get<ProposalSettings>(`/proposals/settings/${settings.proposal}`));
      }
    });
  };
  const goOn = () => {
    if (meanwhile) set(meanwhile);
    setMeanwhile(null);
  };
  const about = (name: string) => wrong[name] ?? (error instanceof Refused ? error.about(`settings/${name}`) : undefined);
  const elsewhere = Boolean(error) && !settings.descriptions.some(({ name }) => about(name));
  return (
    <form class="panel stack" onSubmit={apply} aria-labelledby="settings-title" noValidate>
      <h2 id="settings-title">{settings.soar_id}</h2>
      <p>
        {settings.revision === 0 ? "The observatory’s defaults are in force." : `Revision ${settings.revision} is in force.`} They apply
        to every new file; each product carries the revision it was made with.
      </p>
      {!settings.may_edit && <WhyNot id={settings.proposal} />}
      {meanwhile && <Meanwhile base={settings} now={meanwhile} edits={wanted} goOn={goOn} />}
      <div class="settings">
        {settings.descriptions.map((description) => (
          <SettingField key={description.name} description={description} fixed={!settings.may_edit}
            value={edits[description.name] ?? base[description.name] ?? ""} edited={description.name in wanted}
            change={(value) => change(description.name, value)} error={about(description.name)} />
        ))}
      </div>
      {elsewhere && <FormError error={error} />}
      {settings.may_edit && (
        <div class={count ? "buttons sticky" : "buttons"}>
          <Button type="submit" kind="main" busy={busy}
            reason={meanwhile ? "Somebody else changed them meanwhile: see above." : count ? null : "Nothing is changed."}>
            {count ? `Apply ${count} change${count === 1 ? "" : "s"}` : "Apply"}
          </Button>
          {count > 0 && <Button onClick={() => { setEdits({}); setWrong({}); clear(); }}>Discard</Button>}
        </div>
      )}
      <div class="buttons">
        <ButtonLink icon="people" href={href("collaborators", settings.proposal)}>Collaborators</ButtonLink>
        <ButtonLink icon="file" href={href("search", { proposal: settings.soar_id })}>Data</ButtonLink>
      </div>
    </form>
  );
}

/** Somebody else applied changes since these settings were read. */
function Meanwhile({ base, now, edits, goOn }: { base: ProposalSettings; now: ProposalSettings; edits: Values; goOn: () => void }) {
  const newer = now.history.filter((one) => one.revision > base.revision);
  const both = [...new Set(newer.flatMap((one) => one.changed))].filter((name) => name in edits);
  return (
    <div class="note warn stack" role="alert">
      <p>The settings were changed while you edited them; yours are not applied yet.</p>
      <ul>
        {newer.map((one) => (
          <li key={one.revision}>
            {one.actor ?? "Somebody"}, {moment(one.time)}:{" "}
            {steps(one, now.history.find((before) => before.revision === one.revision - 1)).map(stepText).join("; ")}
          </li>
        ))}
      </ul>
      {both.length > 0 && <p>You both changed: {both.map(settingName).join(", ")}. Yours would replace theirs.</p>}
      <div>
        <Button icon="retry" onClick={goOn}>Take theirs, keep my edits</Button>
      </div>
    </div>
  );
}

function WhyNot({ id }: { id: number }) {
  const found = useResource(`pi-${id}`, (signal) => full(id, signal));
  return (
    <p class="note">
      You may read these settings, not change them: that is for the principal investigator
      {found.data && `, ${person(found.data.user)} (${found.data.user.email}),`} and staff.
    </p>
  );
}
