import { accessSync, constants, existsSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { type Command, Option } from "commander";
import {
  type CompareOptions,
  compare,
  DEFAULT_BYTES,
  type Order,
  PAGE_SIZE,
  readContent,
  runningKernel,
  scenarios,
  targetNames,
  UsageError,
} from "../compare/index.js";
import { ExitCode, Failure } from "./exit.js";

interface Arguments {
  readonly memory: string;
  readonly bytes?: string;
  readonly order: Order;
  readonly rounds: string;
  readonly scenario?: string;
  readonly target?: string;
  readonly report?: string;
  readonly json?: true;
}

export function addCompare(program: Command): void {
  program
    .command("compare")
    .description("run each scenario with each placement of the userfaultfd hook, and on the running kernel")
    .option("--memory <file>", "what the memory holds: the first bytes of this file", process.execPath)
    .option(
      "--bytes <n>",
      `how much of it: a multiple of ${PAGE_SIZE} (default: ${DEFAULT_BYTES}, or a shorter file's whole pages)`,
    )
    .addOption(
      new Option("--order <order>", "in which the pages are touched")
        .choices(["sequential", "random"])
        .default("sequential"),
    )
    .option("--rounds <n>", "timed rounds of each scenario and target, interleaved", "5")
    .option("--scenario <names>", `of: ${scenarios.map(({ name }) => name).join(", ")} (default: all)`)
    .option("--target <names>", `of: ${targetNames.join(", ")} (default: all)`)
    .option("--report <file>", "also write one HTML file")
    .option("--json", "print JSON in place of tables")
    .action(runCompare);
}

async function runCompare(given: Arguments): Promise<void> {
  const options = readArguments(given);
  const comparison = compare(options);
  clearProgress();
  // Loading it takes as long as a small comparison.
  const { comparisonHtml, comparisonText } = await import("../report/index.js");
  if (given.report !== undefined) writeFileSync(given.report, comparisonHtml(comparison));
  if (given.json) console.log(JSON.stringify(comparison));
  else {
    const colour = process.stdout.isTTY && process.stdout.hasColors() && process.env.NO_COLOR === undefined;
    console.log(comparisonText(comparison, { width: process.stdout.columns ?? 160, colour }));
    if (given.report !== undefined) console.log(`\nThe report is in ${given.report}.`);
  }
  const wrong = comparison.cells.filter(({ verified }) => !verified);
  if (wrong.length > 0) {
    const { scenario, access, sharing, target } = wrong[0]!;
    throw new Failure(
      `memory or messages were wrong in ${wrong.length} of ${comparison.cells.length} cells, first in ${scenario}, ${access}, ${sharing}, ${target}`,
      ExitCode.failed,
    );
  }
}

function readArguments(given: Arguments): CompareOptions {
  const all = scenarios.map(({ name }) => name);
  const targets = names(given.target, "--target", targetNames);
  const kernel = runningKernel();
  if (given.target !== undefined && targets.includes("kernel") && !kernel.userfaultfd) {
    throw new Failure(`--target kernel: ${kernel.why}: ${kernel.mend}`, ExitCode.lacking);
  }
  if (given.report !== undefined) {
    try {
      if (given.report === "") throw new Error();
      if (existsSync(given.report) ? !statSync(given.report).isFile() : given.report.endsWith("/"))
        throw new Error();
      accessSync(existsSync(given.report) ? given.report : dirname(given.report), constants.W_OK);
    } catch {
      throw new Failure(
        `--report ${given.report} cannot be written: give the name of a file in a folder that you may write`,
        ExitCode.usage,
      );
    }
  }
  try {
    const bytes = given.bytes === undefined ? undefined : number(given.bytes, "--bytes", DEFAULT_BYTES);
    return {
      memoryFile: given.memory,
      content: readContent(given.memory, bytes, PAGE_SIZE),
      order: given.order,
      rounds: number(given.rounds, "--rounds", 5),
      scenarios: names(given.scenario, "--scenario", all),
      accesses: ["read", "write"],
      sharings: ["shared", "private"],
      targets,
      progress,
    };
  } catch (error) {
    if (error instanceof UsageError) throw new Failure(error.message, ExitCode.usage);
    throw error;
  }
}

function number(text: string, option: string, example: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value === 0) {
    throw new Failure(
      `${option} is '${text}': give a whole number above 0, such as ${example}`,
      ExitCode.usage,
    );
  }
  return value;
}

/** A list of names with commas; all of them where none is given. In the order of `known`, each once. */
function names<Name extends string>(
  text: string | undefined,
  option: string,
  known: readonly Name[],
): Name[] {
  if (text === undefined) return [...known];
  const given = text.split(",").map((name) => name.trim());
  for (const name of given) {
    if (!known.includes(name as Name)) {
      throw new Failure(`${option} has '${name}': give some of ${known.join(", ")}`, ExitCode.usage);
    }
  }
  return known.filter((name) => given.includes(name));
}

/** One line, rewritten in place; none where nobody watches. */
function progress(text: string, done: number, all: number): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${done} of ${all} rows: ${text}`);
}

function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
}
