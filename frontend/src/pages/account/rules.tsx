// What a password must be, and a field for a new one.

import { useState } from "preact/hooks";
import { api, Refused } from "../../api/client";
import { useResource, type Resource } from "../../core/fetching";
import { Button, TextField } from "../../parts/controls";
import { Icon } from "../../parts/icons";

export interface Advice {
  credentials: string[];
  network_access: string[];
  password_rules: string[];
}

export const useAdvice = (): Resource<Advice> => useResource("advice", (signal) => api.get<Advice>("/auth/advice", {}, signal));

interface Props {
  rules: string[];
  error: unknown;
  value: string;
  change: (value: string) => void;
  label?: string;
}

/** A new password with its rules; those it breaks are told one by one. */
export function NewPassword({ rules, error, value, change, label = "New password" }: Props) {
  const [visible, show] = useState(false);
  const broken = error instanceof Refused ? error.errors.filter((one) => one.at === "/password").map((one) => one.message) : [];
  const others = broken.filter((sentence) => !rules.includes(sentence));
  const told = [broken.length > others.length ? "It breaks a rule; see below." : "", ...others].filter(Boolean).join(" ");
  return (
    <>
      <div class="row top">
        <TextField label={label} type={visible ? "text" : "password"} value={value} change={change} autocomplete="new-password"
          error={told || undefined} />
        <div class="under-label">
          <Button aria-pressed={visible} onClick={() => show(!visible)}>Show<span class="hidden"> the password</span></Button>
        </div>
      </div>
      <ul class="rules">
        {rules.map((rule) => (
          <li key={rule} class={broken.includes(rule) ? "broken" : ""}>
            {broken.includes(rule) && <><Icon name="warning" /> <strong>Not met: </strong></>}
            {rule}
          </li>
        ))}
      </ul>
    </>
  );
}

/** What is wrong with the whole form, where it is not the new password. */
export const beside = (error: unknown, ...fields: string[]): unknown =>
  error instanceof Refused && fields.some((field) => error.about(field)) ? undefined : error;
