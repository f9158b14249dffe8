// Patterns are for programs: what a field of them says is wrong, in words.

const PATTERNS: Record<string, string> = {
  email: "This is no e-mail address.",
  username: "Only letters, digits, and . _ + - can be in a user name.",
  soar_id: "A SOAR ID has printable characters only, and no blank at either end.",
  semester: "A semester is like 2026B.",
};

export function inWords(field: string, message: string): string {
  return /match(es)? (the )?pattern/.test(message) ? (PATTERNS[field] ?? "There are characters in this that cannot be.") : message;
}
