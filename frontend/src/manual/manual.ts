// The manual in the theme that was chosen on the page: a white page at night would undo half an hour of dark adaptation.

const kept = localStorage.getItem("goodman-theme");
const dark = matchMedia("(prefers-color-scheme: dark)").matches;
document.documentElement.dataset.theme = kept === "light" || kept === "dark" || kept === "night" ? kept : dark ? "dark" : "light";
