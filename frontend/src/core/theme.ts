// Three themes: light, dark, and red for eyes that are used to the night. "auto" follows the system between the first two.

import { effect, signal } from "@preact/signals";

export const THEMES = ["auto", "light", "dark", "night"] as const;
export type Theme = (typeof THEMES)[number];
export const THEME_NAMES: Record<Theme, string> = {
  auto: "As the system",
  light: "Light",
  dark: "Dark",
  night: "Red, for the night",
};

const KEY = "goodman-theme";

function remembered(): Theme {
  const kept = localStorage.getItem(KEY);
  return THEMES.find((name) => name === kept) ?? "auto";
}

export const theme = signal<Theme>(remembered());
const system = matchMedia("(prefers-color-scheme: dark)");
const systemDark = signal(system.matches);
system.addEventListener("change", (event) => (systemDark.value = event.matches));

/** The theme that is shown. */
export const shown = signal<Exclude<Theme, "auto">>("light");

effect(() => {
  const wanted = theme.value === "auto" ? (systemDark.value ? "dark" : "light") : theme.value;
  document.documentElement.dataset.theme = wanted;
  shown.value = wanted;
  localStorage.setItem(KEY, theme.value);
});

/** The next theme of those that are shown, for the key. */
export function nextTheme(): void {
  const order: Theme[] = ["light", "dark", "night"];
  theme.value = order[(order.indexOf(shown.value) + 1) % order.length] ?? "light";
}

/** The present value of a colour of the style sheet, for what draws on a canvas. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
