// One operation: what it does, what it takes, what it answers, and a form to try it.

import { Badge } from "../../parts/controls";
import { needsToken, takesToken, typeWords, type Operation, type Schemas } from "./openapi";
import { Prose, SchemaTree } from "./schema";
import { Try } from "./try";

export function OperationView({ operation, schemas }: { operation: Operation; schemas: Schemas }) {
  const { method, path, summary, description, parameters = [], requestBody, responses } = operation;
  const body = requestBody?.content["application/json"]?.schema;
  return (
    <article class="panel operation">
      <h2>{summary}</h2>
      <p class="mono"><Method method={method} /> {path}</p>
      {description?.split("\n\n").map((paragraph) => <p key={paragraph}><Prose text={paragraph} /></p>)}
      <p class="soft">{needsToken(operation) ? "For those signed in." : takesToken(operation) ? "For everybody; those signed in see more." : "For everybody."}</p>
      <Try key={operation.operationId} operation={operation} schemas={schemas} />
      {parameters.length > 0 && (
        <>
          <h3>Parameters</h3>
          <div class="table-box" tabIndex={0} role="region" aria-label="Parameters">
            <table>
              <thead>
                <tr><th scope="col">Name</th><th scope="col">In</th><th scope="col">Type</th><th scope="col">What it is</th></tr>
              </thead>
              <tbody>
                {parameters.map((one) => (
                  <tr key={`${one.in}-${one.name}`}>
                    <td><code>{one.name}</code>{one.required && <strong> (needed)</strong>}</td>
                    <td>{one.in}</td>
                    <td>{typeWords(one.schema)}</td>
                    <td><Prose text={one.description ?? ""} /></td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </>
      )}
      {body && (
        <>
          <h3>Body</h3>
          <SchemaTree schema={body} schemas={schemas} />
        </>
      )}
      <h3>Answers</h3>
      {Object.entries(responses).map(([status, answer]) => {
        const content = Object.entries(answer.content ?? {});
        const schema = content[0]?.[1].schema;
        return (
          <details key={status}>
            <summary>
              <Badge kind={Number(status) < 400 ? "good" : ""}>{status}</Badge> {answer.description}
              {content.length > 0 && <span class="soft"> {content.map(([kind]) => kind).join(", ")}</span>}
            </summary>
            {schema ? <SchemaTree schema={schema} schemas={schemas} /> : <p class="soft">Nothing in the body.</p>}
          </details>
        );
      })}
    </article>
  );
}

export const Method = ({ method }: { method: string }) => <Badge kind={method === "GET" ? "" : method === "DELETE" ? "bad" : "warn"}>{method}</Badge>;
