// The form of a body or an answer, to be opened level by level.

import { nameOf, resolved, typeWords, type Schema, type Schemas } from "./openapi";

const DEEPEST = 6;

/** A sentence of the contract: what stands between backticks is code. */
export function Prose({ text }: { text: string }) {
  return <>{text.split(/`+/).map((part, i) => (i % 2 ? <code key={i}>{part}</code> : part))}</>;
}

export function SchemaTree({ schema, schemas, depth = 0 }: { schema: Schema; schemas: Schemas; depth?: number }) {
  const found = resolved(schema, schemas);
  const inner = found.items ? resolved(found.items, schemas) : found.anyOf?.[0] ? resolved(found.anyOf[0], schemas) : found;
  const fields = Object.entries(inner.properties ?? {});
  if (!fields.length || depth > DEEPEST) return <p class="soft">{typeWords(schema)}{found.description && <>. <Prose text={found.description} /></>}</p>;
  return (
    <ul class="schema">
      {fields.map(([name, field]) => {
        const { description } = resolved(field, schemas);
        return (
          <li key={name}>
            <code>{name}</code>
            {!inner.required?.includes(name) && <span class="soft"> (may be left out)</span>} <span class="soft">{typeWords(field)}</span>
            {(field.description ?? description) && <p><Prose text={field.description ?? description ?? ""} /></p>}
            {opens(field, schemas) && (
              <details>
                <summary>What {nameOf(field) ?? nameOf(field.items ?? {}) ?? name} holds</summary>
                <SchemaTree schema={field} schemas={schemas} depth={depth + 1} />
              </details>
            )}
          </li>
        );
      })}
    </ul>
  );
}

function opens(schema: Schema, schemas: Schemas): boolean {
  const found = resolved(schema, schemas);
  if (found.properties) return true;
  const inside = found.items ?? found.anyOf?.[0];
  return inside ? opens(inside, schemas) : false;
}
