// Who one is: names, address, institution; and how pictures are shown.

import { useState } from "preact/hooks";
import { api } from "../../api/client";
import type { Profile } from "../../api/types";
import { useAction } from "../../core/fetching";
import { tell } from "../../core/notices";
import { renew } from "../../core/session";
import { theme, THEME_NAMES, THEMES, type Theme } from "../../core/theme";
import { useUnsaved } from "../../core/unsaved";
import { Button, Choice, Switch, TextField } from "../../parts/controls";
import { FormError } from "../../parts/states";
import { fault } from "./fault";
import { beside } from "./rules";

type Changed = Profile & { notice?: string };

async function change(body: object): Promise<Changed> {
  const { notice, ...profile } = await api.patch<Changed>("/users/me", body);
  renew(profile);
  return { ...profile, ...(notice ? { notice } : {}) };
}

export function About({ me }: { me: Profile }) {
  const [first, setFirst] = useState(me.first_name);
  const [last, setLast] = useState(me.last_name);
  const [email, setEmail] = useState(me.email);
  const [institution, setInstitution] = useState(me.partner_institution);
  const [password, setPassword] = useState("");
  const [notice, setNotice] = useState("");
  const { busy, error, run } = useAction();
  const moves = email.trim() !== me.email;
  const dirty = moves || first !== me.first_name || last !== me.last_name || institution !== me.partner_institution;
  useUnsaved(dirty && !notice);
  const about = (field: string) => fault(error, field);
  const apply = (event: Event) => {
    event.preventDefault();
    void run(async () => {
      const body = { first_name: first.trim(), last_name: last.trim(), partner_institution: institution.trim() };
      const next = await change(moves ? { ...body, email: email.trim(), ...(password ? { current_password: password } : {}) } : body);
      setNotice(next.notice ?? "");
      setEmail(next.email);
      setPassword("");
      if (!next.notice) tell("good", "What you changed about yourself is applied.");
    });
  };
  return (
    <form class="panel stack" onSubmit={apply} noValidate aria-labelledby="about-title">
      <h2 id="about-title">About you</h2>
      <div class="row top">
        <TextField label="First name" value={first} change={setFirst} autocomplete="given-name" maxLength={150} error={about("first_name")} />
        <TextField label="Last name" value={last} change={setLast} autocomplete="family-name" maxLength={150} error={about("last_name")} />
      </div>
      <TextField label="Partner institution" value={institution} change={setInstitution} autocomplete="organization" maxLength={200}
        error={about("partner_institution")} />
      <TextField label="E-mail address" type="email" value={email} change={setEmail} autocomplete="email" error={about("email")}
        help="Another address becomes yours when you use the link that is sent to it." />
      {moves && (
        <TextField label="Your current password" type="password" value={password} change={setPassword} autocomplete="current-password"
          error={about("current_password")} help="Needed for another e-mail address." />
      )}
      {notice && <p class="note" role="status">{notice}</p>}
      <FormError error={beside(error, "first_name", "last_name", "partner_institution", "email", "current_password")} />
      <div class="buttons">
        <Button type="submit" kind="main" busy={busy} reason={dirty ? null : "Nothing is changed."}>Apply</Button>
      </div>
    </form>
  );
}

const MAPS = ["gray", "viridis", "magma", "inferno", "plasma", "cividis", "cubehelix", "hot"] as const;
type ColourMap = (typeof MAPS)[number];

export function Visual({ me }: { me: Profile }) {
  const [options, setOptions] = useState(me.visual_options);
  const { busy, error, run } = useAction();
  const dirty = JSON.stringify(options) !== JSON.stringify(me.visual_options);
  const apply = (event: Event) => {
    event.preventDefault();
    void run(async () => {
      setOptions((await change({ visual_options: options })).visual_options);
      tell("good", "Pictures are shown like that from now on.");
    });
  };
  return (
    <form class="panel stack" onSubmit={apply} aria-labelledby="visual-title">
      <h2 id="visual-title">Visual options</h2>
      <Choice<ColourMap> label="Colour map" value={options.color_map} options={MAPS.map((name) => [name, name] as [ColourMap, string])}
        change={(color_map) => setOptions({ ...options, color_map })} help="What images begin with; each can be changed where it is shown." />
      <Switch label="Show saturated pixels" on={options.show_saturated} change={(show_saturated) => setOptions({ ...options, show_saturated })} />
      <Switch label="Show title" on={options.show_title} change={(show_title) => setOptions({ ...options, show_title })} />
      <FormError error={error} />
      <div class="buttons">
        <Button type="submit" kind="main" busy={busy} reason={dirty ? null : "Nothing is changed."}>Apply</Button>
      </div>
      <Choice<Theme> label="Theme" value={theme.value} options={THEMES.map((name) => [name, THEME_NAMES[name]] as [Theme, string])}
        change={(name) => (theme.value = name)} help="Changed at once, in this browser only." />
    </form>
  );
}
