// Header cards as people read them.

export interface Card {
  keyword: string;
  value: unknown;
  comment: string;
}

const PROSE = ["COMMENT", "HISTORY", ""];

export interface Line {
  card: Card;
  value: string;
  /** HISTORY and COMMENT: a sentence, no value with a comment. */
  prose: boolean;
  /** What the filter looks in. */
  sought: string;
}

export function readable(card: Card): Line {
  const value = valueOf(card.value);
  return { card, value, prose: PROSE.includes(card.keyword), sought: `${card.keyword} ${value} ${card.comment}`.toLowerCase() };
}

function valueOf(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "boolean") return value ? "T" : "F";
  return String(value);
}

/** One card a line, as the API's own text has them. */
export function written(cards: readonly Card[]): string {
  return cards
    .map(({ keyword, value, comment }) => {
      const shown = valueOf(value);
      if (PROSE.includes(keyword)) return `${keyword.padEnd(8)} ${shown}`.trimEnd();
      const quoted = typeof value === "string" ? `'${value.replaceAll("'", "''")}'` : shown;
      return `${keyword.padEnd(8)} = ${quoted}${comment && ` / ${comment}`}`;
    })
    .map((line) => `${line}\n`)
    .join("");
}
