// The keyboard map, as a dialog, and whether its keys work.

import { groups, setShortcuts, shortcuts } from "../core/keys";
import { theme, THEME_NAMES, THEMES } from "../core/theme";
import { Button, Dialog, Switch } from "../parts/controls";

const KEY_NAMES: Record<string, string> = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", " ": "Space" };

export function KeyMap({ close }: { close: () => void }) {
  return (
    <Dialog title="Keys" wide close={close}>
      <div class="key-groups">
      {groups().map(({ group, keys }) => (
        <section key={group}>
          <h3>{group}</h3>
          <dl class="keys">
            {[...new Set(keys.map((one) => one.help))].map((help) => (
              <div key={help}>
                <dt>
                  {keys.filter((one) => one.help === help).map((one, i) => (
                    <>{i > 0 && " or "}<kbd>{KEY_NAMES[one.key] ?? one.key}</kbd></>
                  ))}
                </dt>
                <dd>{help}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
      </div>
      <Switch label="Keys of one letter or sign" on={shortcuts.value} change={setShortcuts}
        help="Without them only ? and Escape work. Kept in this browser." />
      <p class="soft">
        Theme:{" "}
        {THEMES.map((name) => (
          <Button key={name} kind="quiet" aria-pressed={theme.value === name} onClick={() => (theme.value = name)}>
            {THEME_NAMES[name]}
          </Button>
        ))}
      </p>
    </Dialog>
  );
}
