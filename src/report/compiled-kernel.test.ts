import { expect, test } from "vitest";
import { compiledFaults, compiledKernel } from "./compiled-kernel.js";

test("a figure is found by scenario, access and sharing, in both builds", () => {
  expect(compiledFaults({ scenario: "minor-miss", access: "read", sharing: "shared" })).toEqual([
    {
      build: "UP",
      scenario: "minor-miss",
      access: "read",
      sharing: "shared",
      inFault: 2511,
      separateUnlikely: -1,
      difference: {
        "fault-reason": -3,
        "fault-reason-separate": -1,
        "lookup-first": 171,
        "do-userfault": 155,
        "presence-probe": 93,
      },
    },
    {
      build: "SMP",
      scenario: "minor-miss",
      access: "read",
      sharing: "shared",
      inFault: 3670,
      separateUnlikely: 3,
      difference: {
        "fault-reason": 1,
        "fault-reason-separate": 3,
        "lookup-first": 221,
        "do-userfault": 224,
        "presence-probe": 132,
      },
    },
  ]);
});

test("a write stands for both scenarios of a cached page, a read for the one without fault-around", () => {
  const named = (access: "read" | "write") =>
    compiledKernel
      .filter((fault) => fault.inFault === (access === "read" ? 1239 : 1440))
      .map(({ scenario }) => scenario);
  expect(named("write")).toEqual(["missing-hit", "missing-hit-no-fault-around"]);
  expect(named("read")).toEqual(["missing-hit-no-fault-around"]);
});

test("of both there are two kinds of fault in each build", () => {
  const both = compiledFaults({ scenario: "both", access: "read", sharing: "shared" });
  expect(both.map(({ build, page, inFault }) => `${build} ${page} ${inFault}`)).toEqual([
    "UP cached 5449",
    "UP absent 6633",
    "SMP cached 8103",
    "SMP absent 9736",
  ]);
});

test("what was not measured is not there", () => {
  expect(compiledFaults({ scenario: "minor-hit", access: "read", sharing: "private" })).toEqual([]);
  expect(compiledFaults({ scenario: "plain-hit", access: "read", sharing: "shared" })).toEqual([]);
  expect(compiledFaults({ scenario: "past-the-end", access: "read", sharing: "shared" })).toEqual([]);
});

test("no row stands twice", () => {
  const keys = compiledKernel.map(
    ({ build, scenario, access, sharing, page }) => `${build} ${scenario} ${access} ${sharing} ${page}`,
  );
  expect(new Set(keys).size).toBe(keys.length);
  expect(keys).toHaveLength(2 * (19 + 2 + 2 + 2));
});
