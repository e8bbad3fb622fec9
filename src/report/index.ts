export { comparisonHtml } from "./html.js";
export { comparisonText, type TextOptions } from "./tables.js";
