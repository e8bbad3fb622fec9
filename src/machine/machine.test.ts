/**
 * One and the same cases on the executable kernel and on the running one. The running kernel is the oracle: an expectation that
 * it does not meet is wrong, and a model that differs from it is.
 */
import { afterEach, describe, expect, test } from "vitest";
import {
  doUserfault,
  ExecutableMachine,
  faultReason,
  faultReasonSeparate,
  inFault,
  lookupFirst,
  type Placement,
  presenceProbe,
} from "../kernel/index.js";
import { LinuxMachine, whatLinuxOffers } from "../linux/index.js";
import { type Case, cases, Program } from "./cases/index.test-helper.js";
import { promised } from "./cases/promised.test-helper.js";
import type { Machine } from "./index.js";

const placements = [inFault, faultReason, faultReasonSeparate, lookupFirst, doUserfault, presenceProbe];
const MEMORY = 32 * 2 ** 20;

/** The kernel compiled without generators; the build has made it. */
const kernelDirect: typeof import("../kernel/index.js") = await import(
  new URL("../kernel-direct/index.js", import.meta.url).href
);

let machine: Machine;
afterEach(() => machine.shutdown());

function run(on: Machine, { name, run, expect: expected, sleeps }: Case, placement?: Placement): void {
  machine = on;
  const program = new Program(on);
  const answered = run(program);
  const other = promised[placement?.name ?? ""]?.[name];
  expect(answered).toEqual(other ?? expected);
  expect(program.hasSlept, "Case.sleeps").toBe(sleeps ?? false);
}

const executable =
  ({ ExecutableMachine: Of }: { ExecutableMachine: typeof ExecutableMachine }) =>
  (placement: Placement) =>
    new Of({ placement, memoryBytes: MEMORY }, () => performance.now() * 1e6);
const explorable = executable({ ExecutableMachine });
const direct = executable(kernelDirect);

for (const placement of placements) {
  describe(`the executable kernel: ${placement.name}`, () => {
    for (const one of cases) test(one.name, () => run(explorable(placement), one, placement));
  });
}

describe("the executable kernel without generators: presence-probe", () => {
  const placement = kernelDirect.presenceProbe;
  for (const one of cases) {
    if (!one.sleeps) test(one.name, () => run(direct(placement), one, placement));
  }
});

const { userfaultfd: offered, why, mend } = whatLinuxOffers();
const kernel = offered ? "the running kernel" : `the running kernel: SKIPPED, ${why}; ${mend}`;

describe.skipIf(!offered)(kernel, () => {
  for (const one of cases) test(one.name, () => run(new LinuxMachine(), one));
});

test("every promise is of a placement and a case that there are, and differs", () => {
  for (const [placement, byCase] of Object.entries(promised)) {
    expect(placements.map(({ name }) => name)).toContain(placement);
    for (const [name, expected] of Object.entries(byCase)) {
      const found = cases.filter((one) => one.name === name);
      expect(found, name).toHaveLength(1);
      expect(found[0]!.expect, name).not.toEqual(expected);
    }
  }
});

test("no two cases have one name", () => {
  expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
});
