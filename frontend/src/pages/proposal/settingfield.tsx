// One reduction setting: made from what the API says of it.

import { Button, Choice, Field, Switch } from "../../parts/controls";
import { Badge } from "../../parts/controls";
import { choiceName, settingName, shownValue, type Description, type Value } from "./settingvalues";

interface Props {
  description: Description;
  /** A text while a number is typed. */
  value: Value;
  change: (value: Value) => void;
  error?: string | undefined;
  edited: boolean;
  fixed: boolean;
}

export function SettingField({ description, value, change, error, edited, fixed }: Props) {
  const { name, choices, help, low, high, type } = description;
  const standard = description.default;
  const differs = String(value) !== String(standard);
  const label = settingName(name);
  const limits = low !== null && high !== null ? ` From ${low} to ${high}.` : "";
  return (
    <div class={edited ? "setting edited" : "setting"}>
      {type === "boolean" ? (
        <Switch label={label} on={value === true} change={change} help={help} disabled={fixed} />
      ) : choices.length ? (
        <Choice label={label} value={String(value)} options={choices.map((one) => [one, choiceName(one)] as [string, string])}
          change={change} help={help} error={error} disabled={fixed} />
      ) : (
        <Field label={label} help={`${help}${limits}`} error={error}>
          {(attributes) => (
            <input {...attributes} inputMode={type === "integer" ? "numeric" : "decimal"} value={String(value)} disabled={fixed}
              onInput={(event) => change(event.currentTarget.value)} />
          )}
        </Field>
      )}
      {(edited || differs) && (
        <div class="setting-state">
          {edited && <Badge kind="warn">Not applied yet</Badge>}
          {differs && <Badge>Changed; the default is {shownValue(standard)}</Badge>}
          {differs && !fixed && (
            <Button kind="quiet" icon="undo" onClick={() => change(standard as Value)}>
              Default<span class="hidden"> for {label}</span>
            </Button>
          )}
        </div>
      )}
    </div>
  );
}
