// What stands where something will be, is not, or may not be seen.

import type { ComponentChildren } from "preact";
import { Refused } from "../api/client";
import { sentence } from "../core/notices";
import { Button } from "./controls";
import { Icon } from "./icons";

export function Loading({ what = "Loading" }: { what?: string }) {
  return (
    <p class="state loading" role="status">
      <span class="spinner" aria-hidden="true" /> {what} …
    </p>
  );
}

export function Empty({ children }: { children: ComponentChildren }) {
  return <p class="state empty">{children}</p>;
}

/** What went wrong, and how to try again. */
export function Failed({ error, retry }: { error: unknown; retry?: (() => void) | undefined }) {
  const status = error instanceof Refused ? error.status : 0;
  const title = status === 403 ? "Not for this account" : status === 404 ? "Not found" : "That did not work";
  return (
    <div class="state failed" role="alert">
      <strong>
        <Icon name="warning" /> {title}
      </strong>
      <p>{sentence(error)}</p>
      {retry && status !== 403 && status !== 404 && (
        <Button icon="retry" onClick={retry}>
          Try again
        </Button>
      )}
    </div>
  );
}

/** A sentence under a form about what was refused. */
export function FormError({ error }: { error: unknown }) {
  if (!error) return null;
  return (
    <p class="form-error" role="alert">
      <Icon name="warning" /> {sentence(error)}
    </p>
  );
}
