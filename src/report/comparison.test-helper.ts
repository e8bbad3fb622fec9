/**
 * A comparison that was never run: small, with round figures, to be doctored.
 */
import {
  type Cell,
  type Comparison,
  type ScenarioName,
  type Sharing,
  type TargetName,
  targetNames,
} from "../compare/index.js";
import { type LedgerEntry, ledgerEntries } from "../kernel/index.js";

type Ledger = Partial<Record<LedgerEntry, number>>;

interface Line {
  readonly scenario: ScenarioName;
  readonly access: Cell["access"];
  readonly sharing: Sharing;
  readonly kind?: "MISSING" | "MINOR";
  readonly inFault: Ledger;
  readonly more: Partial<Record<TargetName, Ledger>>;
  readonly ns: number;
}

const fault: Ledger = { flagTests: 1, resultTests: 1, indirectCalls: 1, pageCacheLookups: 1, folioGets: 1 };
const roundTrip: Ledger = { ...fault, pageCacheLookups: 2, waitQueueOperations: 5, sleeps: 1 };
const separate: Ledger = { resultTests: 1 };
const askTwice: Ledger = { flagTests: 1, indirectCalls: 1, pageCacheLookups: 1 };
const probe: Ledger = { flagTests: 1, indirectCalls: 1, presenceProbes: 1 };
const lockAndUnlock: Ledger = { folioLocks: 1, folioUnlocks: 1 };

const lines: readonly Line[] = [
  {
    scenario: "plain-hit-no-fault-around",
    access: "read",
    sharing: "shared",
    inFault: fault,
    more: { "fault-reason-separate": separate },
    ns: 300,
  },
  {
    scenario: "plain-miss",
    access: "write",
    sharing: "shared",
    inFault: fault,
    more: { "fault-reason-separate": separate, "lookup-first": { flagTests: 1 } },
    ns: 900,
  },
  {
    scenario: "minor-hit",
    access: "read",
    sharing: "shared",
    kind: "MINOR",
    inFault: roundTrip,
    more: {
      "fault-reason-separate": separate,
      "lookup-first": lockAndUnlock,
      "do-userfault": lockAndUnlock,
      "presence-probe": { pageCacheLookups: -1, presenceProbes: 1, folioGets: -1, folioPuts: -1 },
    },
    ns: 2000,
  },
  {
    scenario: "minor-hit",
    access: "read",
    sharing: "private",
    kind: "MINOR",
    inFault: roundTrip,
    more: {
      "fault-reason-separate": separate,
      "lookup-first": lockAndUnlock,
      "do-userfault": lockAndUnlock,
      "presence-probe": { pageCacheLookups: -1, presenceProbes: 1, folioGets: -1, folioPuts: -1 },
    },
    ns: 2100,
  },
  {
    scenario: "minor-miss",
    access: "write",
    sharing: "shared",
    inFault: fault,
    more: {
      "fault-reason-separate": separate,
      "lookup-first": askTwice,
      "do-userfault": askTwice,
      "presence-probe": probe,
    },
    ns: 1000,
  },
  {
    scenario: "missing-hit",
    access: "read",
    sharing: "shared",
    inFault: fault,
    more: {},
    ns: 100,
  },
  {
    scenario: "missing-hit",
    access: "write",
    sharing: "shared",
    inFault: fault,
    more: {
      "fault-reason-separate": separate,
      "do-userfault": { ...askTwice, ...lockAndUnlock, folioGets: 1, folioPuts: 1 },
      "presence-probe": probe,
    },
    ns: 400,
  },
];

/** Memory of 64 pages; every placement takes as long as in-fault, the running kernel three times that. */
export const sample: Comparison = {
  kernel: { release: "6.18.0-test", userfaultfd: true },
  machine: { cpu: "A CPU", cores: 2, node: "v20.19.0" },
  memory: { file: "/bin/file", bytes: 64 * 4096 },
  pages: 64,
  order: "sequential",
  rounds: 5,
  cells: [...lines.flatMap(cellsOf), ...targetNames.map(pastTheEnd)],
  knowHandleUserfault: {
    "in-fault": ["fault/do-anonymous-page", "files/shmem-in-fault"],
    "fault-reason": ["fault/do-anonymous-page", "placements/fault-reason"],
    "fault-reason-separate": ["fault/do-anonymous-page", "placements/fault-reason"],
    "lookup-first": ["fault/do-anonymous-page", "files/shmem-in-fault", "placements/lookup-first"],
    "do-userfault": ["fault/do-anonymous-page", "placements/do-userfault"],
    "presence-probe": ["fault/do-anonymous-page", "placements/presence-probe"],
  },
};

function cellsOf({ scenario, access, sharing, kind, inFault, more, ns }: Line): Cell[] {
  return targetNames
    .filter((target) => target !== "kernel" || !scenario.endsWith("no-fault-around"))
    .map((target) => {
      const ratio = target === "kernel" ? 3 : 1;
      return {
        scenario,
        access,
        sharing,
        target,
        faults: 64,
        messages: kind === undefined ? 0 : 64,
        missingMessages: kind === "MISSING" ? 64 : 0,
        minorMessages: kind === "MINOR" ? 64 : 0,
        verified: true,
        nsPerFault: { median: ratio * ns, min: ratio * ns - 10, max: ratio * ns + 20 },
        ratio,
        ledger: target === "kernel" ? null : sum(inFault, more[target] ?? {}),
      };
    });
}

function pastTheEnd(target: TargetName): Cell {
  const differs = target === "do-userfault";
  return {
    scenario: "past-the-end",
    access: "read",
    sharing: "shared",
    target,
    faults: 1,
    messages: differs ? 1 : 0,
    missingMessages: differs ? 1 : 0,
    minorMessages: 0,
    verified: true,
    nsPerFault: null,
    ratio: null,
    ledger: null,
    outcome: differs ? "the thread sleeps" : "the access gets EFAULT",
  };
}

function sum(one: Ledger, other: Ledger): Record<LedgerEntry, number> {
  return Object.fromEntries(
    ledgerEntries.map((entry) => [entry, (one[entry] ?? 0) + (other[entry] ?? 0)]),
  ) as Record<LedgerEntry, number>;
}

/** Another comparison: some cells changed, those for which undefined is given left out. */
export function doctored(change: (cell: Cell) => Cell | undefined, comparison = sample): Comparison {
  return { ...comparison, cells: comparison.cells.flatMap((cell) => change(cell) ?? []) };
}

export function onlyTargets(...targets: readonly TargetName[]): Comparison {
  return doctored((cell) => (targets.includes(cell.target) ? cell : undefined));
}

export function onlyScenarios(...scenarios: readonly ScenarioName[]): Comparison {
  return doctored((cell) => (scenarios.includes(cell.scenario) ? cell : undefined));
}
