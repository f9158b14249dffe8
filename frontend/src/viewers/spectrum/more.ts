// What the viewer fetches only when it is wanted: a file of its own, so that the first drawing does not wait for it.

export { AxisControls, LineControls } from "./axes";
export { Overlays, Picker } from "./compare";
export { saveExport, saveFits, savePicture, saveTable } from "./files";
export { marksOf } from "./marks";
export { Rows } from "./values";
