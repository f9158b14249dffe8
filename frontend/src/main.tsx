import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/parts.css";
import "./styles/data.css";
import "./styles/spectrum.css";
import "./styles/image.css";
import "./core/theme";
import { render } from "preact";
import { App } from "./app";

const root = document.getElementById("app");
if (root) {
  root.textContent = "";
  render(<App />, root);
}
