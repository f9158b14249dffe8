// Management, for staff: people, proposals, what has no proposal, letters, and how the pipeline does.

import { go, href, place } from "../../core/router";
import { Tabs } from "../../parts/controls";
import { ImportTab } from "./import";
import { MailTab } from "./mail";
import { ProposalsTab } from "./proposals";
import { QueuesTab } from "./queues";
import { UnassignedTab } from "./unassigned";
import { UsersTab } from "./users";

const TABS = [
  { id: "users", label: "Users", Shown: UsersTab },
  { id: "proposals", label: "Proposals", Shown: ProposalsTab },
  { id: "import", label: "Semester import", Shown: ImportTab },
  { id: "unassigned", label: "Unassigned", Shown: UnassignedTab },
  { id: "mail", label: "Mail", Shown: MailTab },
  { id: "queues", label: "Queues", Shown: QueuesTab },
] as const;

export function ManagementPage() {
  const wanted = place.value.parts[1];
  const { id, Shown } = TABS.find((tab) => tab.id === wanted) ?? TABS[0];
  return (
    <>
      <h1>Management</h1>
      <Tabs label="Parts of the management" tabs={TABS.map(({ id: name, label }) => ({ id: name, label }))} current={id}
        change={(name) => go(href("management", name))} panel="management" />
      <div class="stack" role="tabpanel" id="management" aria-labelledby={`management-${id}`}>
        <Shown />
      </div>
    </>
  );
}
