export * from "./compare.js";
export * from "./comparison.js";
export { DEFAULT_BYTES, readContent, UsageError } from "./content.js";
export * from "./scenarios.js";
export * from "./targets.js";
