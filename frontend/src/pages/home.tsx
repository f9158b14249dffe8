// The start: your proposals, and what happened last.

import { useState } from "preact/hooks";
import { api } from "../api/client";
import type { Event, NightSummary, Page, Proposal } from "../api/types";
import { useEvents, useResource } from "../core/fetching";
import { nightName, plural, whole } from "../core/format";
import { amend, href, place } from "../core/router";
import { user } from "../core/session";
import { Button, Pager } from "../parts/controls";
import { Icon } from "../parts/icons";
import { Empty, Failed, Loading } from "../parts/states";
import { LogLine } from "./log/line";
import { gather } from "./log/words";
import { listed, pageCount, person } from "./proposal/read";

const REMEMBERED = "goodman-home";
const LINES = 5;
const LONG_ABSTRACT = 280;

type View = "details" | "table";

export function HomePage() {
  const { query } = place.value;
  const view: View = (query.get("as") ?? localStorage.getItem(REMEMBERED)) === "table" ? "table" : "details";
  const page = Number(query.get("page")) || 1;
  const found = useResource(`home-${page}`, (signal) => listed(page, "", signal), { keep: true });
  const choose = (as: View) => {
    localStorage.setItem(REMEMBERED, as);
    amend({ as });
  };
  return (
    <>
      <h1 class="hidden">Home</h1>
      <Latest />
      <section class="stack" aria-labelledby="proposals-title">
        <div class="headline">
          <h2 id="proposals-title">Observing proposals{found.data?.count ? ` (${whole(found.data.count)})` : ""}</h2>
          <span class="space" />
          <div class="buttons" role="group" aria-label="How proposals are shown">
            <Button icon="list" aria-pressed={view === "details"} onClick={() => choose("details")}>as details</Button>
            <Button icon="table" aria-pressed={view === "table"} onClick={() => choose("table")}>as table</Button>
          </div>
        </div>
        {found.error ? (
          <Failed error={found.error} retry={found.reload} />
        ) : !found.data ? (
          <Loading what="Looking for your proposals" />
        ) : found.data.results.length === 0 ? (
          <NoProposals />
        ) : view === "table" ? (
          <Table proposals={found.data.results} />
        ) : (
          <div class="cards wide-cards">
            {found.data.results.map((one) => <Card key={one.id} proposal={one} />)}
          </div>
        )}
        <Pager page={page} pages={pageCount(found.data?.count)} go={(n) => amend({ page: n }, { push: true })} label="Pages of proposals" />
      </section>
    </>
  );
}

function NoProposals() {
  return (
    <Empty>
      {user.value?.is_staff
        ? "There are no proposals yet. Add them under Management, one by one or a whole semester at once."
        : `No proposal is associated with your account yet. Ask the principal investigator to add your e-mail address${user.value?.email ? `, ${user.value.email},` : ""} under Proposals → Collaborators; its data appear here at once.`}
    </Empty>
  );
}

const shortened = (text: string): string => (text.length > LONG_ABSTRACT ? `${text.slice(0, LONG_ABSTRACT).replace(/\s+\S*$/, "")} …` : text);

function Card({ proposal }: { proposal: Proposal }) {
  const [open, setOpen] = useState(false);
  const { soar_id, title, abstract } = proposal;
  const long = abstract.length > LONG_ABSTRACT;
  return (
    <article class="panel">
      <h3>
        <a href={href("search", { proposal: soar_id })}>{soar_id}</a> {title}
      </h3>
      <p class="soft">{person(proposal.user)} · {proposal.semester}</p>
      {abstract ? <p class="abstract">{open ? abstract : shortened(abstract)}</p> : <p class="soft">No abstract.</p>}
      {long && (
        <div>
          <Button kind="quiet" aria-expanded={open} onClick={() => setOpen(!open)}>
            {open ? "Less" : "More"}
            <span class="hidden"> of the abstract of {soar_id}</span>
          </Button>
        </div>
      )}
      <Holding proposal={proposal} />
    </article>
  );
}

function Holding({ proposal }: { proposal: Proposal }) {
  if (!proposal.files) return <p class="soft">No files yet. They appear when the first frame with this SOAR id comes in.</p>;
  return (
    <p>
      {plural(proposal.files, "file")} of {plural(proposal.nights, "night")}
      {proposal.last_night && <>, last <a href={href("night", proposal.last_night.replaceAll("-", ""))}>{proposal.last_night}</a></>}
    </p>
  );
}

function Table({ proposals }: { proposals: Proposal[] }) {
  return (
    <div class="table-box" tabIndex={0} role="region" aria-label="Observing proposals">
      <table>
        <thead>
          <tr>
            <th scope="col">PI</th>
            <th scope="col">SOAR ID</th>
            <th scope="col">Title</th>
            <th scope="col">Abstract</th>
            <th scope="col" class="number">Files</th>
            <th scope="col">Last night</th>
          </tr>
        </thead>
        <tbody>
          {proposals.map((one) => (
            <tr key={one.id}>
              <td>{person(one.user)}</td>
              <td class="nowrap"><a href={href("search", { proposal: one.soar_id })}>{one.soar_id}</a></td>
              <td>{one.title}</td>
              <td class="cut" title={one.abstract}><div>{one.abstract || "–"}</div></td>
              <td class="number">{whole(one.files)}</td>
              <td class="nowrap">
                {one.last_night ? <a href={href("night", one.last_night.replaceAll("-", ""))}>{one.last_night}</a> : "–"}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The newest night, and the last lines of the log that matter. */
function Latest() {
  const nights = useResource("home-nights", (signal) => api.get<Page<NightSummary>>("/nights", {}, signal));
  const log = useResource("home-log", async (signal) => {
    const read = (before: string | null) => api.get<Page<Event>>("/logs", { important: 1, limit: LINES, before }, signal);
    return (await gather(read, LINES, null, 3)).events.slice(0, LINES);
  });
  useEvents(() => {
    nights.reload();
    log.reload();
  });
  const night = nights.data?.results[0];
  return (
    <section class="stack" aria-labelledby="home-title">
      <div class="headline">
        <h2 id="home-title">What happened last</h2>
      </div>
      {nights.error ? (
        <Failed error={nights.error} retry={nights.reload} />
      ) : night ? (
        <a class="panel newest" href={href("night", night.night)}>
          <Icon name="moon" />
          <span>
            <strong>Night {nightName(night.night)}</strong>
            <span class="soft">
              {plural(night.raw, "raw frame")}, {plural(night.files, "file")}
              {night.failed > 0 && `, ${night.failed} failed`}
            </span>
          </span>
          <Icon name="right" />
        </a>
      ) : nights.data ? (
        <p class="soft">There is no night with files you may see yet.</p>
      ) : (
        <Loading what="Looking for the newest night" />
      )}
      {log.error ? (
        <Failed error={log.error} retry={log.reload} />
      ) : log.data?.length ? (
        <>
          <ol class="log panel">
            {log.data.map((event) => <LogLine key={event.id} event={event} />)}
          </ol>
          <p><a href={href("logs")}>All the log</a></p>
        </>
      ) : (
        log.data && <p class="soft">Nothing went wrong lately, and nobody wrote anything.</p>
      )}
    </section>
  );
}
