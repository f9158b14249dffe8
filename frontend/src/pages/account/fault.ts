// What is wrong with a field, for the line below it.

import { Refused } from "../../api/client";
import { inWords } from "./patterns";

export function fault(error: unknown, field: string): string | undefined {
  const message = error instanceof Refused ? error.about(field) : undefined;
  return message && inWords(field, message);
}
