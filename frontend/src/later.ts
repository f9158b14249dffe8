// What every view has, but none begins with: one file, fetched when the first of it is wanted.

export { watchFailures } from "./core/trouble";
export { KeyMap } from "./pages/keys";
export { SignIn } from "./pages/signin";
