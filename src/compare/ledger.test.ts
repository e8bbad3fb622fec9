/**
 * The ledger against the compiled kernel: what each placement adds and saves was counted in Linux 6.12, in instructions and locked
 * operations (report/compiled-kernel.ts has the figures). The ledger must have the same signs in the same places.
 */
import { describe, expect, test } from "vitest";
import { type LedgerEntry, ledgerEntries, lockedFolioOperations } from "../kernel/index.js";
import { compare } from "./compare.js";
import type { Cell } from "./comparison.js";
import type { ScenarioName, Sharing } from "./scenarios.js";
import { scenarios } from "./scenarios.js";
import { type TargetName, targetNames } from "./targets.js";

const PAGES = 64;
const { cells } = compare({
  memoryFile: "made up",
  content: Uint8Array.from({ length: PAGES * 4096 }, (_, at) => at * 31),
  order: "sequential",
  rounds: 1,
  scenarios: scenarios.map(({ name }) => name),
  accesses: ["read", "write"],
  sharings: ["shared", "private"],
  targets: targetNames.filter((target) => target !== "kernel"),
  progress: () => {},
});

function cell(
  scenario: ScenarioName,
  target: TargetName,
  access = "read",
  sharing: Sharing = "shared",
): Cell {
  const found = cells.find(
    (cell) =>
      cell.scenario === scenario &&
      cell.target === target &&
      cell.access === access &&
      cell.sharing === sharing,
  );
  if (found === undefined) throw new Error(`no cell ${scenario} ${target} ${access} ${sharing}`);
  return found;
}

/** What a placement does more than in-fault, a fault; what does not differ is left out. */
function added(
  scenario: ScenarioName,
  target: TargetName,
  access = "read",
  sharing: Sharing = "shared",
): Partial<Record<LedgerEntry, number>> {
  const its = cell(scenario, target, access, sharing).ledger!;
  const base = cell(scenario, "in-fault", access, sharing).ledger!;
  const differences = ledgerEntries.map((entry) => [entry, its[entry] - base[entry]] as const);
  return Object.fromEntries(differences.filter(([, difference]) => difference !== 0));
}

function addedLocked(
  scenario: ScenarioName,
  target: TargetName,
  access = "read",
  sharing: Sharing = "shared",
) {
  return (
    lockedFolioOperations(cell(scenario, target, access, sharing).ledger!) -
    lockedFolioOperations(cell(scenario, "in-fault", access, sharing).ledger!)
  );
}

const accesses = ["read", "write"] as const;
const sharings = ["shared", "private"] as const;
const all = accesses.flatMap((access) => sharings.map((sharing) => [access, sharing] as const));

test("every cell is verified", () => {
  expect(cells.filter(({ verified }) => !verified)).toEqual([]);
  expect(cells).toHaveLength((9 * 4 + 2) * (targetNames.length - 1));
});

describe("on memory that is not registered, at most a flag test", () => {
  const plain = ["plain-hit", "plain-hit-no-fault-around", "plain-miss"] as const;
  const others = targetNames.filter((target) => target !== "in-fault" && target !== "kernel");
  test.each(others)("%s", (target) => {
    for (const scenario of plain) {
      for (const [access, sharing] of all) {
        const { flagTests = 0, resultTests = 0, ...rest } = added(scenario, target, access, sharing);
        expect(rest).toEqual({});
        expect(Math.abs(flagTests)).toBeLessThanOrEqual(1);
        expect(resultTests).toBeLessThanOrEqual(target === "fault-reason-separate" ? 1 : 0);
      }
    }
  });
});

describe("fault-reason", () => {
  test("adds nothing, anywhere", () => {
    for (const { name } of scenarios) {
      if (name === "past-the-end") continue;
      for (const [access, sharing] of all) expect(added(name, "fault-reason", access, sharing)).toEqual({});
    }
  });
  test("in its separate form adds one test of the result, wherever ->fault() is called", () => {
    for (const { name } of scenarios) {
      if (name === "past-the-end") continue;
      for (const [access, sharing] of all) {
        const calls = cell(name, "in-fault", access, sharing).ledger!.resultTests;
        expect(added(name, "fault-reason-separate", access, sharing)).toEqual(
          calls === 0 ? {} : { resultTests: calls },
        );
      }
    }
  });
});

describe("minor-hit", () => {
  test.each(all)("%s, %s", (access, sharing) => {
    expect(cell("minor-hit", "in-fault", access, sharing).ledger!.pageCacheLookups).toBe(2);
    // get_folio() takes and drops the folio lock, where in-fault has a reference alone.
    expect(added("minor-hit", "lookup-first", access, sharing)).toMatchObject({
      folioLocks: 1,
      folioUnlocks: 1,
    });
    expect(addedLocked("minor-hit", "lookup-first", access, sharing)).toBe(2);
    expect(addedLocked("minor-hit", "do-userfault", access, sharing)).toBe(2);
    expect(added("minor-hit", "presence-probe", access, sharing)).toMatchObject({
      folioGets: -1,
      folioPuts: -1,
      pageCacheLookups: -1,
      presenceProbes: 1,
    });
    expect(addedLocked("minor-hit", "presence-probe", access, sharing)).toBe(-2);
  });
});

describe("minor-miss: asking first looks twice", () => {
  test.each(all)("%s, %s", (access, sharing) => {
    for (const target of ["lookup-first", "do-userfault"] as const) {
      expect(added("minor-miss", target, access, sharing)).toMatchObject({
        pageCacheLookups: 1,
        indirectCalls: 1,
      });
      expect(addedLocked("minor-miss", target, access, sharing)).toBe(0);
    }
    expect(added("minor-miss", "presence-probe", access, sharing)).toMatchObject({ presenceProbes: 1 });
    expect(addedLocked("minor-miss", "presence-probe", access, sharing)).toBe(0);
  });
});

describe("missing-hit", () => {
  const silent = [
    ["missing-hit-no-fault-around", "read", "shared"],
    ["missing-hit-no-fault-around", "write", "shared"],
    ["missing-hit-no-fault-around", "read", "private"],
    ["missing-hit-no-fault-around", "write", "private"],
    ["missing-hit", "write", "shared"],
    ["missing-hit", "write", "private"],
  ] as const;
  test.each(silent)(
    "%s, %s, %s: do-userfault takes and drops a reference and a lock more",
    (name, access, sharing) => {
      expect(added(name, "do-userfault", access, sharing)).toMatchObject({
        folioGets: 1,
        folioPuts: 1,
        folioLocks: 1,
        folioUnlocks: 1,
        pageCacheLookups: 1,
      });
      expect(addedLocked(name, "do-userfault", access, sharing)).toBe(4);
      expect(added(name, "presence-probe", access, sharing)).toMatchObject({ presenceProbes: 1 });
      expect(addedLocked(name, "presence-probe", access, sharing)).toBe(0);
      expect(added(name, "lookup-first", access, sharing)).not.toHaveProperty("pageCacheLookups");
    },
  );
  test("a read that fault-around serves never comes to the hook", () => {
    for (const target of ["lookup-first", "do-userfault", "presence-probe"] as const) {
      expect(addedLocked("missing-hit", target)).toBe(0);
      expect(added("missing-hit", target)).not.toHaveProperty("pageCacheLookups");
    }
  });
});

test("missing-miss: no placement looks more often than in-fault, and no folio is locked or referenced to ask", () => {
  for (const [access, sharing] of all) {
    for (const target of ["lookup-first", "do-userfault", "presence-probe"] as const) {
      const { presenceProbes = 0, pageCacheLookups = 0 } = added("missing-miss", target, access, sharing);
      expect(presenceProbes + pageCacheLookups).toBe(0);
      expect(addedLocked("missing-miss", target, access, sharing)).toBe(0);
    }
  }
});

test("messages: the same in every placement", () => {
  for (const { name } of scenarios) {
    if (name === "past-the-end") continue;
    for (const [access, sharing] of all) {
      for (const target of targetNames) {
        if (target === "kernel") continue;
        const { missingMessages, minorMessages, faults } = cell(name, target, access, sharing);
        const base = cell(name, "in-fault", access, sharing);
        expect({ missingMessages, minorMessages, faults }).toEqual({
          missingMessages: base.missingMessages,
          minorMessages: base.minorMessages,
          faults: base.faults,
        });
      }
    }
  }
});

test("past the end of a file: do-userfault alone raises a message, which nobody can answer", () => {
  for (const sharing of sharings) {
    for (const target of targetNames) {
      if (target === "kernel") continue;
      const { messages, outcome } = cell("past-the-end", target, "read", sharing);
      expect(messages).toBe(target === "do-userfault" ? 1 : 0);
      expect(outcome).toMatch(target === "do-userfault" ? /COPY answers EFAULT/ : /gets EFAULT at once/);
    }
  }
});
