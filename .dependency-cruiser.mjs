// The house: every import in src/ points down this list, never up.
// A layer is a folder, or one file, directly in src/.
const layers = [
  "index",
  "cli",
  "report",
  "compare",
  "postcopy",
  "pager",
  "fuzz",
  "litmus",
  "explore",
  "machine",
  "linux",
  "kernel",
  "abi",
];

// From outside, these layers are entered by their index.ts alone.
const oneDoor = ["abi", "kernel", "linux", "compare", "report"];

/** @param {string} layer */
const inLayer = (layer) => `^src/${layer}(/|(\\.test)?\\.ts$)`;
const test = "\\.test(-helper)?\\.ts$";

const userfaultfd = "^src/kernel/userfaultfd/";
const handleUserfault = `${userfaultfd}handle-userfault\\.ts$`;
const inFault = "^src/kernel/files/.*-in-fault\\.ts$";

/** @type {import("dependency-cruiser").IForbiddenRuleType[]} */
const forbidden = [
  ...layers.slice(1).map((layer, above) => ({
    name: `${layer}-imports-only-downwards`,
    from: { path: inLayer(layer) },
    to: { path: layers.slice(0, above + 1).map(inLayer) },
  })),
  {
    name: "every-file-has-a-layer",
    comment: "A new layer takes its place in the list at the top of .dependency-cruiser.mjs.",
    from: { path: "^src/", pathNot: layers.map(inLayer) },
    to: {},
  },
  {
    name: "src-imports-nothing-beside-it",
    from: { path: "^src/" },
    to: { dependencyTypes: ["local"], pathNot: "^src/" },
  },
  ...oneDoor.map((layer) => ({
    name: `one-door-to-${layer}`,
    comment: `Import src/${layer}/index.ts.`,
    from: { path: "^src/", pathNot: [inLayer(layer), test] },
    to: { path: inLayer(layer), pathNot: `^src/${layer}/index\\.ts$` },
  })),
  {
    name: "no-cycle",
    comment: "Imports of types alone may form one.",
    from: { path: "^src/" },
    to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
  },
  {
    name: "abi-and-kernel-need-no-platform",
    comment: "They run in a browser: no Node API, no package.",
    from: { path: ["abi", "kernel"].map(inLayer), pathNot: test },
    to: { pathNot: "^src/" },
  },
  {
    name: "linux-does-not-know-the-kernel",
    comment: "Two machines with one interface. kernel/ may not import linux/ either: it stands lower.",
    from: { path: inLayer("linux") },
    to: { path: inLayer("kernel") },
  },
  {
    name: "memory-types-do-not-know-handle-userfault",
    comment: "Only the in-fault placement has its hook inside ->fault(). index.ts would hand it on unseen.",
    from: { path: "^src/kernel/files/", pathNot: [inFault, test] },
    to: { path: [handleUserfault, `${userfaultfd}index\\.ts$`] },
  },
  {
    name: "who-may-call-handle-userfault",
    from: {
      path: "^src/",
      pathNot: [
        "^src/kernel/fault/do-anonymous-page\\.ts$",
        "^src/kernel/placements/",
        inFault,
        userfaultfd,
        test,
      ],
    },
    to: { path: handleUserfault },
  },
  {
    name: "no-unresolved-import",
    from: {},
    to: { couldNotResolve: true },
  },
  {
    name: "packages-are-declared",
    comment: "What src/ needs at run time is in dependencies of package.json, by name.",
    from: { path: "^src/", pathNot: test },
    to: {
      dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"],
      dependencyTypesNot: ["type-only"],
    },
  },
];

/** @satisfies {import("dependency-cruiser").IConfiguration} */
export default {
  forbidden: forbidden.map((rule) => ({ ...rule, severity: /** @type {const} */ ("error") })),
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
  },
};
