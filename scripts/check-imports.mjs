// The import rules of .dependency-cruiser.mjs. A check that saw nothing fails, too.
import { readdirSync } from "node:fs";
import { cruise } from "dependency-cruiser";
import config from "../.dependency-cruiser.mjs";

const leastModules = 10;

/** @param {boolean} withTypes Are imports of types alone seen as well? */
async function imports(withTypes) {
  const { output } = await cruise(
    ["src"],
    {
      ...config.options,
      tsPreCompilationDeps: withTypes,
      ruleSet: { forbidden: config.forbidden },
      validate: true,
    },
    { exportsFields: ["exports"], conditionNames: ["import", "node", "default"] },
  );
  if (typeof output === "string") throw new Error(output);
  return output;
}

// Without types as well, since a cycle of types can hide a real one: only the first cycle found is looked at.
const seen = await imports(true);
const violations = [...seen.summary.violations, ...(await imports(false)).summary.violations];

const failures = new Set();
for (const { rule, from, to, cycle } of violations) {
  const comment = config.forbidden.find(({ name }) => name === rule.name)?.comment;
  const what = cycle ? ring(cycle.map(({ name }) => name)) : `${from} -> ${to}`;
  failures.add(`${rule.name}: ${what}${comment ? `\n    ${comment}` : ""}`);
}

/**
 * One text for one cycle, wherever it was entered.
 * @param {string[]} files
 */
function ring(files) {
  const first = files.indexOf([...files].sort()[0] ?? "");
  const turned = [...files.slice(first), ...files.slice(0, first)];
  return [...turned, turned[0]].join(" -> ");
}

const modules = new Set(
  seen.modules.map(({ source }) => source).filter((source) => source.startsWith("src/")),
);
const inside = seen.modules
  .filter(({ source }) => modules.has(source))
  .flatMap(({ dependencies }) => dependencies.filter(({ resolved }) => modules.has(resolved))).length;

for (const file of readdirSync("src", { recursive: true, encoding: "utf8" })) {
  if (/\.[jt]s$/.test(file) && !modules.has(`src/${file}`)) failures.add(`not looked at: src/${file}`);
}
if (modules.size < leastModules) {
  failures.add(`only ${modules.size} modules in src were looked at: fewer than ${leastModules} is no check`);
}
if (inside === 0) failures.add("no import inside src was seen: that is no check");

if (failures.size > 0) {
  for (const failure of failures) console.error(failure);
  console.error(`imports: ${failures.size} wrong`);
  process.exitCode = 1;
} else {
  console.log(`imports: ${modules.size} modules, ${inside} imports inside src, all as the rules say`);
}
