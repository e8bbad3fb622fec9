import { describe, expect, test } from "vitest";
import type { Comparison, TargetName } from "../compare/index.js";
import { doctored, onlyScenarios, onlyTargets, sample } from "./comparison.test-helper.js";
import { verdict } from "./verdict.js";

/** The sentences of the question that has this in it; null where it is not asked. */
function answer(comparison: Comparison, question: string): string | null {
  return (
    verdict(comparison)
      .find((one) => one.question.includes(question))
      ?.sentences.join("\n") ?? null
  );
}

function costing(target: TargetName, scenario: string, ledger: Record<string, number>): Comparison {
  return doctored((cell) => {
    if (cell.target !== target || cell.scenario !== scenario || cell.ledger === null) return cell;
    return { ...cell, ledger: { ...cell.ledger, ...ledger } };
  });
}

function taking(target: TargetName, scenario: string, nanoseconds: number): Comparison {
  return doctored((cell) => {
    if (cell.target !== target || cell.scenario !== scenario) return cell;
    const nsPerFault = { median: nanoseconds, min: nanoseconds - 10, max: nanoseconds + 10 };
    return { ...cell, nsPerFault };
  });
}

describe("who pays what, where", () => {
  test("is by placement, walks and locked operations alone", () => {
    const said = answer(sample, "Who pays")!;
    expect(said).toContain("fault-reason and fault-reason-separate: no more and no less than in-fault.");
    expect(said).toContain(
      "do-userfault: locked folio operations +2 on minor-hit; page-cache lookups +1 on minor-miss; " +
        "page-cache lookups +1, locked folio operations +4 on missing-hit (write).",
    );
    expect(said).not.toContain("flag tests");
  });

  test("changes with the ledger", () => {
    const said = answer(costing("fault-reason", "minor-hit", { folioLocks: 3 }), "Who pays")!;
    expect(said).toContain("fault-reason: locked folio operations +3 on minor-hit.");
  });

  test("is against the first placement where in-fault was not run", () => {
    const comparison = onlyTargets("fault-reason", "lookup-first");
    expect(verdict(comparison)[0]!.question).toContain("against fault-reason");
    expect(answer(comparison, "Who pays")).toContain("lookup-first: locked folio operations +2 on minor-hit");
    expect(answer(comparison, "(b)")).toContain("Counted per fault, against fault-reason");
    expect(answer(comparison, "(b)")).not.toContain("compiled kernel");
  });
});

describe("(a) not in the picture", () => {
  test("nothing but tests differs", () => {
    const said = answer(sample, "(a)")!;
    expect(said).toContain("Nothing but tests of flags or results differs from in-fault: 0..+1 a fault.");
    expect(said).toContain("lookup-first: flag tests +1 on plain-miss");
    expect(said).toContain("which is under 1 %");
  });

  test("more than tests differs", () => {
    const said = answer(costing("lookup-first", "plain-miss", { pageCacheLookups: 2 }), "(a)")!;
    expect(said).toContain("More than tests differs from in-fault: page-cache lookups.");
  });

  test("nothing differs", () => {
    const comparison = onlyTargets("in-fault", "fault-reason", "do-userfault");
    expect(answer(comparison, "(a)")).toContain(
      "fault-reason and do-userfault count just what in-fault counts.",
    );
  });
});

describe("(b) registered and used", () => {
  test("has ledger, compiled kernel and clock", () => {
    const said = answer(sample, "(b)")!;
    expect(said).toContain("lookup-first and do-userfault: locked folio operations +2");
    expect(said).toContain("presence-probe -106 (-1.9 %) UP, -124 (-1.5 %) SMP");
    expect(said).toContain(
      "The clock cannot tell fault-reason, lookup-first, do-userfault and presence-probe",
    );
  });

  test("the clock tells apart what does not overlap", () => {
    const said = answer(taking("do-userfault", "minor-hit", 2500), "(b)")!;
    expect(said).toContain("do-userfault is slower in 2 of 2 rows (×1.19–1.25)");
    expect(said).not.toContain("lookup-first, do-userfault and presence-probe from");
    expect(answer(taking("do-userfault", "minor-hit", 1500), "(b)")).toContain("faster in 2 of 2 rows");
  });

  test("rounds that overlap are not apart, whatever their medians", () => {
    const wide = doctored((cell) =>
      cell.target === "do-userfault" && cell.scenario === "minor-hit"
        ? { ...cell, nsPerFault: { median: 2500, min: 2000, max: 9000 } }
        : cell,
    );
    expect(answer(wide, "(b)")).toContain("do-userfault and presence-probe from in-fault: ×1.00–1.25");
  });

  test("one round tells nothing apart", () => {
    const said = answer({ ...taking("do-userfault", "minor-hit", 2500), rounds: 1 }, "(b)")!;
    expect(said).toContain("one round has no spread");
    expect(said).not.toContain("slower");
  });
});

describe("unlikely", () => {
  test("has the test's share of a round trip, and the compiled kernel's figures", () => {
    const said = answer(sample, "unlikely")!;
    expect(said).toContain(
      "Against a test inside the error branch (fault-reason) it counts nothing on missing-hit (read) and result tests +1 on every other row.",
    );
    expect(said).toContain("Of 13 operations counted for a fault that raises a message, 1 is this test");
    expect(said).toContain("-2..-1 UP against -3 and +3 SMP against +1..+2");
    expect(said).toContain("unlikely() changes the number of instructions (UP) in none of these faults.");
    expect(said).toContain("The clock cannot tell fault-reason-separate from fault-reason");
  });

  test("is not asked where one of the two was not run", () => {
    expect(answer(onlyTargets("in-fault", "fault-reason"), "unlikely")).toBeNull();
  });
});

test("a cache miss where MINOR is registered: who walks again, and by how much in the compiled kernel", () => {
  const said = answer(sample, "cache miss")!;
  expect(said).toContain(
    "lookup-first and do-userfault: page-cache lookups +1; presence-probe: presence probes +1",
  );
  expect(said).toContain("lookup-first +171 (+6.2 %) UP, +221 (+5.6 %) SMP");
  expect(answer(costing("lookup-first", "minor-miss", { pageCacheLookups: 1 }), "cache miss")).toContain(
    "fault-reason and lookup-first: nothing",
  );
  expect(answer(onlyScenarios("minor-hit"), "cache miss")).toBeNull();
});

test("a cached page where MISSING is registered", () => {
  const said = answer(sample, "cached page where MISSING")!;
  expect(said).toContain(
    "do-userfault: page-cache lookups +1, locked folio operations +4 on missing-hit (write)",
  );
  expect(said).toContain("do-userfault +191 (+13.3 %) UP, +285 (+14.4 %) SMP");
});

test("the running kernel's time, where it was asked", () => {
  expect(answer(sample, "running kernel")).toContain("×3.00 on minor-hit");
  expect(answer(onlyTargets("in-fault", "do-userfault"), "running kernel")).toBeNull();
  expect(answer(onlyTargets("kernel"), "running kernel")).toBeNull();
});

describe("behaviour", () => {
  test("what a program sees differently is named", () => {
    const said = answer(sample, "Can a program")!;
    expect(said).toContain(
      "YES, on past-the-end. do-userfault: 1 MISSING, the thread sleeps; in-fault: no message",
    );
    expect(said).toContain("In the other 7 of 8 rows");
  });

  test("and so is that nothing does", () => {
    const said = answer(onlyTargets("in-fault", "fault-reason"), "Can a program");
    expect(said).toBe("In all 8 rows it gets the same messages and results from in-fault and fault-reason.");
  });

  test("what does something else has no costs", () => {
    const comparison = doctored((cell) =>
      cell.target === "do-userfault" && cell.scenario === "minor-miss"
        ? { ...cell, messages: 64, missingMessages: 64 }
        : cell,
    );
    expect(answer(comparison, "cache miss")).not.toContain("do-userfault: page-cache");
    expect(answer(comparison, "Can a program")).toContain("YES, on minor-miss. do-userfault: 64 MISSING");
  });
});

test("which memory types have to know handle_userfault()", () => {
  expect(answer(sample, "Exporting")).toBe(
    "in-fault and lookup-first: files/shmem-in-fault.\nfault-reason, fault-reason-separate, do-userfault and presence-probe: none.",
  );
  const know = { ...sample.knowHandleUserfault, "fault-reason": ["files/shmem", "files/hugetlb"] };
  expect(answer({ ...sample, knowHandleUserfault: know }, "Exporting")).toContain(
    "fault-reason: files/shmem and files/hugetlb.",
  );
});

test("wrong bytes come first", () => {
  const comparison = doctored((cell) =>
    cell.target === "kernel" && cell.scenario === "minor-miss" ? { ...cell, verified: false } : cell,
  );
  expect(verdict(comparison)[0]!.sentences[0]).toContain("NO: wrong bytes or messages in 1 of 55 cells");
  expect(verdict(comparison)[0]!.sentences[0]).toContain("kernel on minor-miss write shared");
  expect(answer(sample, "memory right")).toBeNull();
});

test("nothing is said of nothing", () => {
  expect(verdict({ ...sample, cells: [], knowHandleUserfault: {} })).toEqual([]);
});
