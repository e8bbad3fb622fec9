import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { whatLinuxOffers } from "../linux/index.js";

const main = "dist/cli/main.js";
const folder = mkdtempSync(join(tmpdir(), "userfault-cli-"));
afterAll(() => rmSync(folder, { recursive: true }));

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
    encoding: "utf8",
    timeout: 60_000,
  });
  return { status, stdout, stderr };
}

const small = ["compare", "--bytes", "65536", "--rounds", "1"];
const { userfaultfd: offered, why } = whatLinuxOffers();

describe("a user's mistake is one line, and exit code 2", () => {
  const empty = join(folder, "empty");
  writeFileSync(empty, "");
  test.each([
    [
      "an unknown target",
      ["--target", "in-fault,nowhere"],
      "--target has 'nowhere': give some of in-fault, ",
    ],
    ["an unknown scenario", ["--scenario", "hit"], "--scenario has 'hit': give some of plain-hit, "],
    ["an unknown order", ["--order", "backwards"], "Allowed choices are sequential, random."],
    [
      "a size that is no number of pages",
      ["--bytes", "1000"],
      "--bytes is 1000, which is no number of pages",
    ],
    ["a size that is no number", ["--bytes", "1M"], "--bytes is '1M': give a whole number above 0"],
    ["no rounds", ["--rounds", "0"], "--rounds is '0': give a whole number above 0"],
    ["a memory file that is not there", ["--memory", join(folder, "none")], "none cannot be read (ENOENT)"],
    ["an empty memory file", ["--memory", empty], "has 0 bytes, less than one page"],
    ["a report in no folder", ["--report", join(folder, "no", "r.html")], "cannot be written"],
    ["an unknown option", ["--colour"], "unknown option '--colour'"],
  ])("%s", (_, args, message) => {
    const { status, stdout, stderr } = run("compare", ...args);
    expect(stderr).toContain(message);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(stderr).toMatch(/^userfault: /);
    expect(stdout).toBe("");
    expect(status).toBe(2);
  });
});

test("--json is one object in the documented form, and nothing else is printed", () => {
  const { status, stdout, stderr } = run(
    ...small,
    "--json",
    "--scenario",
    "minor-hit",
    "--target",
    "in-fault,do-userfault",
  );
  expect(stderr).toBe("");
  expect(status).toBe(0);
  const comparison = JSON.parse(stdout);
  expect(comparison).toMatchObject({ pages: 16, rounds: 1, order: "sequential" });
  expect(comparison.kernel).toMatchObject({ release: expect.any(String), userfaultfd: expect.any(Boolean) });
  expect(comparison.cells).toHaveLength(8);
  expect(comparison.cells[1]).toMatchObject({
    scenario: "minor-hit",
    access: "read",
    sharing: "shared",
    target: "do-userfault",
    faults: 16,
    messages: 16,
    verified: true,
    nsPerFault: { median: expect.any(Number), min: expect.any(Number), max: expect.any(Number) },
    ratio: expect.any(Number),
    ledger: { pageCacheLookups: 2, folioLocks: 2 },
  });
});

test("without in-fault there is no ratio", () => {
  const { stdout } = run(...small, "--json", "--scenario", "plain-hit", "--target", "lookup-first");
  for (const { ratio } of JSON.parse(stdout).cells) expect(ratio).toBe(null);
});

test("tables, and the report where it was asked for", () => {
  const report = join(folder, "report.html");
  const { status, stdout } = run(
    ...small,
    "--order",
    "random",
    "--scenario",
    "minor-hit,past-the-end",
    "--report",
    report,
  );
  expect(status).toBe(0);
  expect(stdout).toContain("VERDICT");
  expect(stdout).toContain(`The report is in ${report}.`);
  expect(readFileSync(report, "utf8")).toMatch(/^<!doctype html>/i);
});

test.skipIf(!offered)(`the running kernel's column${offered ? "" : ` (skipped: ${why})`}`, () => {
  const { stdout, status } = run(...small, "--json", "--target", "kernel");
  const { cells } = JSON.parse(stdout);
  expect(status).toBe(0);
  expect(cells.every((cell: { verified: boolean }) => cell.verified)).toBe(true);
  const scenarios = new Set(cells.map((cell: { scenario: string }) => cell.scenario));
  expect(scenarios.has("minor-hit")).toBe(true);
  // Not settable there.
  expect(scenarios.has("plain-hit-no-fault-around")).toBe(false);
});

/** As a user who may not use userfaultfd. */
function unprivileged(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
    encoding: "utf8",
    uid: 65534,
    gid: 65534,
    timeout: 60_000,
  });
  return { status, stdout, stderr };
}

function whyNotUnprivileged(): string {
  if (!offered) return why;
  if (process.getuid?.() !== 0) return "only root can run a program as somebody else";
  if (unprivileged("--help").status !== 0)
    return "the project's folder is not readable for everybody: chmod it";
  return "";
}
const skipped = whyNotUnprivileged();

describe.skipIf(skipped !== "")(`without permission${skipped === "" ? "" : ` (skipped: ${skipped})`}`, () => {
  test("the executable kernel's columns run, and the kernel's says why it is missing, and what mends it", () => {
    const { status, stdout } = unprivileged(...small, "--scenario", "minor-hit");
    expect(stdout).toMatch(/sysctl -w vm\.unprivileged_userfaultfd=1|\/dev\/userfaultfd/);
    expect(stdout).toContain("in-fault");
    expect(status).toBe(0);
    const { cells, kernel } = JSON.parse(unprivileged(...small, "--json", "--scenario", "minor-hit").stdout);
    expect(kernel).toMatchObject({ userfaultfd: false, why: expect.any(String), mend: expect.any(String) });
    expect(cells.some((cell: { target: string }) => cell.target === "kernel")).toBe(false);
  });
  test("exit code 3 where it was asked for by name", () => {
    const { status, stderr, stdout } = unprivileged(...small, "--target", "in-fault,kernel");
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(stderr).toMatch(/^userfault: --target kernel: /);
    expect(stdout).toBe("");
    expect(status).toBe(3);
  });
});
