// All header cards of a file, with a filter.

import { useMemo } from "preact/hooks";
import { api, send } from "../../api/client";
import type { Header } from "../../api/types";
import { useAction, useResource } from "../../core/fetching";
import { plural, whole } from "../../core/format";
import { amend, place } from "../../core/router";
import { copy, save } from "../../core/saving";
import { Button, Field } from "../../parts/controls";
import { Empty, Failed, FormError, Loading } from "../../parts/states";
import { readable, written } from "./cards";
import type { PanelProps } from "./panels";

/** Values up to this many characters, such as a moment, are not broken. */
const SHORT = 26;

export function HeaderPanel({ record }: PanelProps) {
  const header = useResource(`header-${record.id}-${record.sha256}`, (signal) =>
    api.get<Header>("/files/header", { id: record.id }, signal));
  const saving = useAction();
  const filter = place.value.query.get("card") ?? "";
  const lines = useMemo(() => (header.data?.cards ?? []).map(readable), [header.data]);
  if (header.error && !header.data) return <Failed error={header.error} retry={header.reload} />;
  if (!header.data) return <Loading what="Reading the header" />;
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = lines.filter((line) => words.every((word) => line.sought.includes(word)));
  const text = async () => (await send("GET", "/files/header", { query: { id: record.id, format: "text" } })).text();
  return (
    <section class="stack" aria-label="Header">
      <div class="row card-filter">
        <Field label="Filter the cards">
          {(attributes) => (
            <input {...attributes} type="search" value={filter} autocomplete="off" placeholder="Keyword, value, comment" spellcheck={false}
              onInput={(event) => amend({ card: event.currentTarget.value })} />
          )}
        </Field>
        <p class="soft" role="status">
          {words.length ? `${whole(shown.length)} of ${plural(lines.length, "card")}` : plural(lines.length, "card")}
        </p>
        <div class="buttons">
          <Button icon="file" onClick={() => void copy(written(shown.map((line) => line.card)), words.length ? "What is shown" : "The header")}>
            Copy
          </Button>
          <Button icon="download" busy={saving.busy}
            onClick={() => void saving.run(async () => save(`${record.file_name ?? record.id}.header.txt`, await text()))}>
            As text
          </Button>
        </div>
      </div>
      <FormError error={saving.error} />
      {shown.length === 0 ? (
        <Empty>{lines.length ? "No card has this in its keyword, value or comment." : "This file has no header cards."}</Empty>
      ) : (
        <div class="table-box tall" tabIndex={0} role="region" aria-label="Header cards">
          <table class="header-cards">
            <thead>
              <tr>
                <th scope="col">Keyword</th>
                <th scope="col">Value</th>
                <th scope="col">Comment</th>
              </tr>
            </thead>
            <tbody>
              {shown.map((line, i) => (
                <tr key={i} class={line.prose ? "prose" : undefined}>
                  <th scope="row" class="mono">{line.card.keyword || <span class="hidden">no keyword</span>}</th>
                  {line.prose ? (
                    <td class="mono" colSpan={2}>{line.value}</td>
                  ) : (
                    <>
                      <td class={line.value.length <= SHORT ? "mono short" : "mono"}>{line.value}</td>
                      <td>{line.card.comment}</td>
                    </>
                  )}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
