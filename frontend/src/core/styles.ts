// Style sheets of pages that are fetched when they are first looked at, as their scripts are.

declare const STYLES: Record<string, string>;

const asked = new Map<string, Promise<void>>();

/** Resolves once a sheet of `styles/` is in force; asked again after a failure. */
export function style(name: string): Promise<void> {
  const known = asked.get(name);
  if (known) return known;
  const arrived = new Promise<void>((resolve, reject) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = STYLES[name] ?? "";
    link.onload = () => resolve();
    link.onerror = () => {
      asked.delete(name);
      link.remove();
      reject(new Error(`The style of ${name} could not be fetched.`));
    };
    document.head.append(link);
  });
  asked.set(name, arrived);
  return arrived;
}

/** A part of the page and its style, both there. */
export async function styled<T>(name: string, part: Promise<T>): Promise<T> {
  const [found] = await Promise.all([part, style(name)]);
  return found;
}
