// The API, made from its own description: every operation, and a form to try it.

import { useMemo } from "preact/hooks";
import { api } from "../api/client";
import { useResource } from "../core/fetching";
import { plural } from "../core/format";
import { amend, href, place } from "../core/router";
import { TextField } from "../parts/controls";
import { Empty, Failed, Loading } from "../parts/states";
import { matches, operations, type Document } from "./docs/openapi";
import { Method, OperationView } from "./docs/operation";
import { Start } from "./docs/start";

export function DocsPage() {
  const { parts, query } = place.value;
  const id = parts[1];
  const search = query.get("search") ?? "";
  const found = useResource("openapi", (signal) => api.get<Document>("/openapi.json", {}, signal));
  const all = useMemo(() => (found.data ? operations(found.data) : []), [found.data]);
  if (!found.data) return found.error ? <Failed error={found.error} retry={found.reload} /> : <Loading what="Reading the API's description" />;
  const { info, tags = [], components } = found.data;
  const shown = all.filter((one) => matches(one, search));
  const current = all.find((one) => one.operationId === id);
  return (
    <>
      <div class="headline">
        <h1>API docs</h1>
        <span class="soft">{info.title} {info.version}</span>
      </div>
      <div class="beside docs">
        <div class="stack chooser">
          <TextField label="Search" type="search" value={search} change={(text) => amend({ search: text })} placeholder="Operation, address or sentence" />
          <p class="soft" role="status">{plural(shown.length, "operation")}</p>
          <nav class="panel" aria-label="Operations">
            <ul>
              <li><a href={href("docs", { search })} aria-current={id ? undefined : "page"}>Scripts: how to begin</a></li>
            </ul>
            {tags.map((tag) => {
              const here = shown.filter((one) => one.tag === tag.name);
              if (!here.length) return null;
              return (
                <details key={tag.name} open={Boolean(search) || here.some((one) => one.operationId === id)}>
                  <summary title={tag.description}>{tag.name} <span class="soft">{here.length}</span></summary>
                  <ul>
                    {here.map((one) => (
                      <li key={one.operationId}>
                        <a href={href("docs", one.operationId, { search })} aria-current={one.operationId === id ? "page" : undefined}>
                          <span>{one.summary}</span>
                          <span class="mono soft"><Method method={one.method} /> {one.path}</span>
                        </a>
                      </li>
                    ))}
                  </ul>
                </details>
              );
            })}
          </nav>
        </div>
        <div class="grow">
          {current ? (
            <OperationView key={current.operationId} operation={current} schemas={components.schemas} />
          ) : id ? (
            <Empty>There is no operation {id}. Choose one from the list.</Empty>
          ) : (
            <Start />
          )}
        </div>
      </div>
    </>
  );
}
