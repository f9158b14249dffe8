// What is wrong with a field, for the line below it.

import { Refused } from "../../api/client";

export const fault = (error: unknown, field: string): string | undefined => (error instanceof Refused ? error.about(field) : undefined);
