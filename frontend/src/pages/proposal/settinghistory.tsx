// Who changed a proposal's reduction settings when, and from what to what.

import { useState } from "preact/hooks";
import { api } from "../../api/client";
import type { ProposalSettings } from "../../api/types";
import { useAction } from "../../core/fetching";
import { Button, Time } from "../../parts/controls";
import { FormError } from "../../parts/states";
import { steps, stepText, type Revision } from "./settingvalues";

export function SettingHistory({ settings }: { settings: ProposalSettings }) {
  const [earlier, setEarlier] = useState<{ history: Revision[]; older: number | null } | null>(null);
  const { busy, error, run } = useAction();
  const all = [...settings.history, ...(earlier?.history ?? [])];
  const older = earlier ? earlier.older : settings.older;
  const more = () =>
    void run(async () => {
      const page = await api.get<ProposalSettings>(`/proposals/settings/${settings.proposal}`, { before: older });
      setEarlier({ history: [...(earlier?.history ?? []), ...page.history], older: page.older });
    });
  return (
    <section class="panel" aria-labelledby="history-title">
      <h2 id="history-title">History</h2>
      <ol class="history">
        {all.map((one, i) => (
          <li key={one.revision}>
            <strong>Revision {one.revision}</strong>{" "}
            {one.revision === 0 ? (
              <span class="soft">The observatory’s defaults.</span>
            ) : (
              <>
                <span class="soft">
                  {one.actor ?? "somebody"}, <Time at={one.time} full />
                </span>
                <ul>
                  {steps(one, all[i + 1]).map((step) => <li key={step.name}>{stepText(step)}</li>)}
                </ul>
              </>
            )}
          </li>
        ))}
      </ol>
      <FormError error={error} />
      {older !== null && <div><Button onClick={more} busy={busy}>Earlier revisions</Button></div>}
    </section>
  );
}
