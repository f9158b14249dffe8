// The theme before anything is drawn: a white page at night would undo half an hour of dark adaptation. A script of its own that
// the head of the page and of each chapter of the manual waits for; core/theme.ts follows the theme from then on.

const kept = localStorage.getItem("goodman-theme");
const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
const theme = kept === "light" || kept === "dark" || kept === "night" ? kept : system;
document.documentElement.dataset.theme = theme;
// Until the style is there browsers fill the window in a colour of their own, by what the head says.
document.querySelector('meta[name="color-scheme"]')?.setAttribute("content", theme === "light" ? "light" : "dark");
