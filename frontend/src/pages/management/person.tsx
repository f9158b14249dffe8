// Somebody chosen by e-mail address: users that are like it are offered as one types.

import { useId } from "preact/hooks";
import type { Profile } from "../../api/types";
import { useResource, useSettled } from "../../core/fetching";
import { Field } from "../../parts/controls";
import { person } from "../proposal/read";
import { users } from "./users";

interface Props {
  label: string;
  value: string;
  change: (value: string) => void;
  error?: string | undefined;
  /** Said where nobody has the address. */
  unknown: string;
}

export const same = (user: Profile, text: string): boolean =>
  [user.email, user.username].some((name) => name.toLowerCase() === text.trim().toLowerCase());

export function PersonField({ label, value, change, error, unknown }: Props) {
  const list = useId();
  const settled = useSettled(value.trim());
  const found = useResource(settled.length > 1 ? `people-${settled}` : null, (signal) => users(settled, 1, signal), { keep: true });
  const people = settled.length > 1 ? (found.data?.results ?? []) : [];
  const match = people.find((one) => same(one, value));
  const help = match
    ? `${person(match)} (${match.username})${match.is_active ? "" : ": the account is deactivated"}`
    : settled.includes("@") && settled === value.trim() && found.data && !found.loading
      ? unknown
      : "Type a part of the name or address; those that are alike are offered.";
  return (
    <Field label={label} help={help} error={error}>
      {(attributes) => (
        <>
          <input {...attributes} type="text" inputMode="email" list={list} value={value} autocomplete="off"
            onInput={(event) => change(event.currentTarget.value)} />
          <datalist id={list}>
            {people.map((one) => <option key={one.id} value={one.email}>{`${person(one)} (${one.username})`}</option>)}
          </datalist>
        </>
      )}
    </Field>
  );
}
