/**
 * The kernel compiled without generators is the kernel: the same messages, bytes, faults and ledger, scenario by scenario. What is
 * measured on the one is true of the other, which the explorer walks.
 */
import { expect, test } from "vitest";
import * as kernelModule from "../kernel/index.js";
import type { Access } from "../machine/index.js";
import { Expected } from "./content.js";
import { ScenarioRun } from "./round.js";
import { type Scenario, type Sharing, scenarios } from "./scenarios.js";
import { kernelDirect } from "./targets.js";

const kernel: typeof kernelModule = { ...kernelModule };

const PAGES = 24;
const content = Uint8Array.from({ length: PAGES * 4096 }, (_, at) => at * 7);

function run(
  from: typeof kernelModule,
  placement: kernelModule.Placement,
  scenario: Scenario,
  access: Access,
  sharing: Sharing,
) {
  const machine = new from.ExecutableMachine(
    {
      placement,
      memoryBytes: 3 * content.length + 65536,
      faultAroundBytes: scenario.faultAround ? 65536 : 4096,
    },
    () => 0,
  );
  const expected = new Expected(scenario, access, sharing, content, 4096, new Uint8Array(content.length));
  expected.prepare(0);
  const order = Uint32Array.from({ length: PAGES }, (_, page) => (page * 7) % PAGES);
  const scenarioRun = new ScenarioRun(machine, machine.thread(), scenario, sharing, expected);
  const ledger = machine.kernel.ledger;
  let counted = {};
  const round = scenarioRun.round(
    order,
    true,
    () => ledger.reset(),
    () => {
      counted = { ...ledger };
    },
  );
  scenarioRun.end();
  return { round, counted, framesLeft: machine.kernel.memory.framesInUse };
}

const placements = [
  "inFault",
  "faultReason",
  "faultReasonSeparate",
  "lookupFirst",
  "doUserfault",
  "presenceProbe",
] as const;

test.each(placements)("%s", (placement) => {
  for (const scenario of scenarios) {
    if (scenario.name === "past-the-end") continue;
    for (const access of ["read", "write"] as const) {
      for (const sharing of ["shared", "private"] as const) {
        const generators = run(kernel, kernel[placement], scenario, access, sharing);
        const direct = run(kernelDirect, kernelDirect[placement], scenario, access, sharing);
        expect(generators.round.verified).toBe(true);
        expect(generators.framesLeft).toBe(0);
        expect(direct).toEqual(generators);
      }
    }
  }
});

test("nothing of a generator is left in it", () => {
  expect(kernel.Process.prototype.access.constructor.name).toBe("GeneratorFunction");
  expect(kernelDirect.Process.prototype.access.constructor.name).toBe("Function");
});
