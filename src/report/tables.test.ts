import { describe, expect, test } from "vitest";
import type { Comparison } from "../compare/index.js";
import { doctored, onlyScenarios, onlyTargets, sample } from "./comparison.test-helper.js";
import { comparisonText } from "./tables.js";

function section(comparison: Comparison, title: string): string {
  const text = comparisonText(comparison);
  return text.split(/\n\n(?=[A-Z][A-Z_() ]+\n)/).find((part) => part.startsWith(title)) ?? "";
}

test("a small comparison, as it is printed", () => {
  const small = doctored(
    (cell) => (["in-fault", "do-userfault", "kernel"].includes(cell.target) ? cell : undefined),
    onlyScenarios("minor-miss"),
  );
  expect(section(small, "TIME")).toMatchInlineSnapshot(`
    "TIME
    ns per page touched: the median, and its ratio to in-fault's; below them the least and the most of 5 rounds.
    The placements run in one executable kernel, in JavaScript; the column \`kernel\` is the running Linux, its
    thread and its handler on one CPU.
    ! after a ratio: all rounds were slower, or all were faster, than every round of in-fault. Without it the
    clock cannot tell the two apart.

                  faults  messages  in-fault  do-userfault        kernel
    minor-miss  registered MINOR, page absent: allocates silently
    write shared      64  none          1000  1000  ×1.00   3000  ×3.00
                                    990–1020     990–1020     2990–3020"
  `);
  expect(section(small, "LEDGER")).toMatchInlineSnapshot(`
    "LEDGER
    What the executable kernel did per fault, counted: no stop-watch is in it. First in-fault, in full.

                                                          locked
               flag  result  indirect  page-cache  folio      on
    in-fault  tests   tests     calls     lookups   gets   folio
    minor-miss
    all           1       1         1           1      1       1

    counted             what it is
    flag tests          tests of the VMA's userfaultfd flags
    result tests        tests of what ->fault() returned, in __do_fault()
    indirect calls      calls of ->fault(), ->map_pages(), get_folio_noalloc()
    page-cache lookups  walks to a folio, which is then referenced
    folio gets          references taken, atomic
    locked on folio     folio gets, puts, locks and unlocks together: what locks a cache line

    What each other placement counts more (+) or less (-) than in-fault, per fault. Less than 0.01 per fault is
    left out.

    Beside it the same difference in a compiled kernel, in instructions per fault, where they were counted; with
    its share of in-fault's if that is 0.5 % or more. Source: Linux 6.12.117, gcc 12.2, counted under QEMU TCG
    -icount, measured 2026-11-22. UP: one CPU, no mitigations. SMP: as distributions have it, mitigations off; of
    fault-reason-separate it has the form with unlikely(). A few instructions up or down are the compiler's choice
    of registers.

                                                                             locked   compiled UP,  compiled SMP,
    placement     ledger                                                   on folio   instructions   instructions
    minor-miss
    in-fault      above                                                                       2772           3956
    do-userfault  flag tests +1, indirect calls +1, page-cache lookups +1         =  +155 (+5.6 %)  +224 (+5.7 %)"
  `);
});

describe("width", () => {
  test.each([160, 120, 100, 80])("no line is longer than %i columns", (width) => {
    const lines = comparisonText(sample, { width }).split("\n");
    expect(lines.filter((line) => line.length > width)).toEqual([]);
  });

  test("160 columns hold every table in one piece", () => {
    const heads = comparisonText(sample)
      .split("\n")
      .filter((line) => line.startsWith("placement "));
    expect(heads).toHaveLength(2);
    expect(section(sample, "TIME").match(/^read shared /gm)).toHaveLength(3);
  });

  test("a narrow terminal gets the labels again", () => {
    const text = comparisonText(sample, { width: 80 });
    expect(text.match(/^write shared .*\n/gm)!.length).toBeGreaterThan(6);
    expect(text).toContain("×3.00");
  });
});

describe("colour", () => {
  test("none unless asked for", () => {
    expect(comparisonText(sample)).not.toContain("\x1b");
  });

  test("adds nothing but colour", () => {
    const coloured = comparisonText(sample, { colour: true });
    expect(coloured).toContain("\x1b[31m+1\x1b[0m");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape sequences are what is looked for
    const without = coloured.replace(/\x1b\[[0-9;]*m/g, "").replace(/ +$/gm, "");
    expect(without).toBe(comparisonText(sample));
  });

  test("a file's name does nothing to the terminal", () => {
    const memory = { ...sample.memory, file: "/tmp/\x1b[2Jx" };
    expect(comparisonText({ ...sample, memory })).toContain("/tmp/?[2Jx");
  });
});

describe("the running kernel", () => {
  const missing: Comparison = {
    ...onlyTargets("in-fault", "do-userfault"),
    kernel: { release: "6.18.0", userfaultfd: false, why: "no permission", mend: "sysctl vm.x=1" },
  };

  test("missing: why, and what mends it", () => {
    const time = section(missing, "TIME");
    expect(time).toMatch(/minor-hit.*\nread shared .* missing$/m);
    expect(time).toMatch(/plain-hit-no-fault-around.*\nread shared .* not settable$/m);
    expect(time).toContain("The running kernel is missing: no permission.\nThis mends it:  sysctl vm.x=1");
  });

  test("there: not settable is explained", () => {
    expect(section(sample, "TIME")).toContain("not settable: fault-around is a setting of the whole machine");
    expect(section(sample, "TIME")).not.toContain("mends");
  });

  test("not asked for: no column", () => {
    expect(section(onlyTargets("in-fault", "do-userfault"), "TIME")).not.toMatch(/ kernel$/m);
  });

  test("alone: times, and no ledger", () => {
    const text = comparisonText(
      doctored((cell) => (cell.target === "kernel" ? { ...cell, ratio: null } : undefined)),
    );
    expect(text).toContain("6000");
    expect(text).not.toContain("LEDGER");
  });
});

test("without in-fault there are no ratios, and no compiled kernel", () => {
  const comparison = doctored((cell) => (cell.target === "in-fault" ? undefined : { ...cell, ratio: null }));
  const text = comparisonText(comparison);
  expect(section(comparison, "TIME")).not.toContain("×");
  expect(text).toContain("than fault-reason, per fault");
  expect(section(comparison, "LEDGER")).not.toContain("compiled");
});

test("a time that stands apart from in-fault's is marked", () => {
  const slow = doctored((cell) =>
    cell.target === "lookup-first" && cell.scenario === "minor-miss"
      ? { ...cell, ratio: 1.5, nsPerFault: { median: 1500, min: 1400, max: 1600 } }
      : cell,
  );
  expect(section(slow, "TIME")).toContain("1500  ×1.50!");
  expect(section({ ...slow, rounds: 1 }, "TIME")).not.toContain("×1.50!");
  expect(section(sample, "TIME")).not.toMatch(/×[\d.]+!/);
});

test("rows that behave differently are marked, with what differs", () => {
  expect(section(sample, "BEHAVIOUR")).toMatch(/^ +\* do-userfault +1 MISSING +the thread sleeps$/m);
  const differs = doctored((cell) =>
    cell.target === "do-userfault" && cell.scenario === "minor-miss"
      ? { ...cell, messages: 64, missingMessages: 64 }
      : cell,
  );
  expect(section(differs, "TIME")).toMatch(/^write shared +64 +differ \*/m);
  expect(section(differs, "TIME")).toContain("  * do-userfault: 64 MISSING; in-fault: no message");
  expect(section(differs, "LEDGER")).toMatch(/^do-userfault +\* does something else/m);
});

test("wrong bytes stand out, at the top and in the cell", () => {
  const wrong = doctored((cell) =>
    cell.target === "presence-probe" && cell.scenario === "minor-miss" ? { ...cell, verified: false } : cell,
  );
  const text = comparisonText(wrong);
  expect(text.indexOf("WRONG BYTES OR MESSAGES in 1 of 55 cells:")).toBeLessThan(text.indexOf("TIME"));
  expect(section(wrong, "TIME")).toContain(" WRONG ");
  expect(comparisonText(sample)).not.toContain("WRONG");
  expect(comparisonText(sample)).toContain("right in all 55 cells");
});

describe("ledger", () => {
  test("rows in which nothing differs are one line", () => {
    expect(section(sample, "LEDGER")).toContain("Nothing differs: missing-hit (read).");
  });

  test("rows with the same differences stand together, beside the compiled kernel", () => {
    const ledger = section(sample, "LEDGER");
    expect(ledger.match(/^minor-hit$/gm)).toHaveLength(2);
    expect(ledger).toMatch(/^lookup-first +folio locks \+1, folio unlocks \+1 +\+2 +0 +\+26$/m);
    expect(ledger).toContain("Linux 6.12.117, gcc 12.2");
  });

  test("what is less than a hundredth per fault is left out", () => {
    const noisy = doctored((cell) =>
      cell.target === "do-userfault" && cell.ledger !== null
        ? { ...cell, ledger: { ...cell.ledger, allocations: cell.ledger.allocations + 1 / 512 } }
        : cell,
    );
    expect(section(noisy, "LEDGER")).toBe(section(sample, "LEDGER"));
  });
});

test("who has to know handle_userfault()", () => {
  const layering = section(sample, "WHO HAS TO KNOW");
  expect(layering).toMatch(/^in-fault +2 +files\/shmem-in-fault \*$/m);
  expect(layering).toMatch(/^do-userfault +2 +placements\/do-userfault$/m);
});

test("nothing was run", () => {
  expect(comparisonText({ ...sample, cells: [], knowHandleUserfault: {} })).toContain("THE RUN");
});
