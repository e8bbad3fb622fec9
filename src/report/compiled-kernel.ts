/**
 * What the placements cost in a compiled Linux: instructions executed per fault.
 *
 * These figures were measured once, for this project; they are not measured again in a comparison.
 * - Source: Linux 6.12.117 built with each placement (only mm/memory.c and mm/shmem.c differ), gcc 12.2, -O2.
 * - How: counted under QEMU TCG with -icount, one virtual CPU, fault_around_bytes=4096. The figure is the mode of 4096 faults.
 *   Round trips (minor-hit, missing-miss, both) go from the touch to its end, with read() and the ioctl of a second thread.
 * - When: 2026-11-22.
 * - UP: a kernel for one CPU without mitigations. SMP: as distributions configure it, mitigations off.
 *
 * Instructions, not time: there are no caches, no branch predictor and no cost of a locked operation in them. Differences below ten
 * are one compiler's register allocation, and change sign from build to build.
 */
import type { Cell, ScenarioName, Sharing, TargetName } from "../compare/index.js";

export const compiledKernelSource =
  "Linux 6.12.117, gcc 12.2, counted under QEMU TCG -icount, measured 2026-11-22";

export const builds = ["UP", "SMP"] as const;
export type Build = (typeof builds)[number];

export interface CompiledFault {
  readonly build: Build;
  readonly scenario: ScenarioName;
  readonly access: Cell["access"];
  readonly sharing: Sharing;
  /** Where a scenario has two kinds of fault: which of them. */
  readonly page?: "cached" | "absent";
  /** Instructions per fault with in-fault. */
  readonly inFault: number;
  /** What a placement executes more. SMP: fault-reason-separate was built with unlikely() only. */
  readonly difference: Readonly<Partial<Record<TargetName, number>>>;
  /** fault-reason-separate with its test marked unlikely(). */
  readonly separateUnlikely: number;
}

type Scenarios = readonly ScenarioName[];

// Without fault-around the scenario of that name. A write maps one page in any case.
const plainHitRead: Scenarios = ["plain-hit-no-fault-around"];
const plainHitWrite: Scenarios = ["plain-hit", "plain-hit-no-fault-around"];
const missingHitRead: Scenarios = ["missing-hit-no-fault-around"];
const missingHitWrite: Scenarios = ["missing-hit", "missing-hit-no-fault-around"];
const plainMiss: Scenarios = ["plain-miss"];
const minorHit: Scenarios = ["minor-hit"];
const minorMiss: Scenarios = ["minor-miss"];
const missingMiss: Scenarios = ["missing-miss"];

type Key = readonly [Scenarios, Sharing, Cell["access"]];

// in-fault; then the difference of: fault-reason-separate with unlikely(), without, fault-reason, lookup-first, do-userfault,
// presence-probe.
type Up = readonly [number, number, number, number, number, number, number];

const up: readonly (readonly [...Key, ...Up])[] = [
  [plainMiss, "shared", "read", 2519, -1, -1, -3, 3, -9, -11],
  [plainMiss, "shared", "write", 2778, -1, -1, -3, 3, -9, -11],
  [plainHitRead, "shared", "read", 1245, -1, -1, -3, -1, -8, -10],
  [plainHitWrite, "shared", "write", 1446, -1, -1, -3, -1, -8, -10],
  [plainMiss, "private", "read", 2523, -1, -1, -3, 3, -9, -11],
  [plainMiss, "private", "write", 4495, -1, -1, -3, 3, -9, -11],
  [plainHitRead, "private", "read", 1249, -1, -1, -3, -1, -8, -10],
  [plainHitWrite, "private", "write", 3221, -1, -1, -3, -1, -8, -10],
  [minorHit, "shared", "read", 5449, -2, -2, -3, 0, -8, -106],
  [minorHit, "shared", "write", 5472, -2, -2, -3, 0, -8, -106],
  [minorHit, "private", "write", 8198, -2, -2, -3, 0, -8, -106],
  [minorMiss, "shared", "read", 2511, -1, -1, -3, 171, 155, 93],
  [minorMiss, "shared", "write", 2772, -1, -1, -3, 171, 155, 93],
  [missingHitRead, "shared", "read", 1239, -1, -1, -3, -1, 191, 94],
  [missingHitWrite, "shared", "write", 1440, -1, -1, -3, -1, 191, 94],
  [missingHitWrite, "private", "write", 3215, -1, -1, -3, -1, 191, 94],
  [missingMiss, "shared", "read", 6635, 0, 0, 2, 3, -16, -77],
  [missingMiss, "shared", "write", 6656, 0, 0, 2, 3, -16, -77],
  [missingMiss, "private", "write", 6631, 0, 0, 2, 3, -16, -78],
];

const upBoth: readonly (readonly ["cached" | "absent", ...Up])[] = [
  ["cached", 5449, -2, -2, -3, 0, -8, -106],
  ["absent", 6633, 0, 0, 2, 171, -16, -77],
];

// As above, without the third: there was no build without unlikely().
type Smp = readonly [number, number, number, number, number, number];

const smp: readonly (readonly [...Key, ...Smp])[] = [
  [plainMiss, "shared", "read", 3678, 3, 1, 9, 9, 7],
  [plainMiss, "shared", "write", 3962, 3, 1, 9, 9, 7],
  [plainHitRead, "shared", "read", 1776, 3, 1, 1, 5, 3],
  [plainHitWrite, "shared", "write", 1991, 3, 1, 1, 5, 3],
  [plainMiss, "private", "read", 3682, 3, 1, 9, 9, 7],
  [plainMiss, "private", "write", 5824, 3, 1, 9, 9, 7],
  [plainHitRead, "private", "read", 1780, 3, 1, 1, 5, 3],
  [plainHitWrite, "private", "write", 3922, 3, 1, 1, 5, 3],
  [minorHit, "shared", "read", 8103, 3, 2, 26, 34, -124],
  [minorHit, "shared", "write", 8130, 3, 2, 26, 34, -124],
  [minorHit, "private", "write", 11716, 3, 2, 26, 34, -124],
  [minorMiss, "shared", "read", 3670, 3, 1, 221, 224, 132],
  [minorMiss, "shared", "write", 3956, 3, 1, 221, 224, 132],
  [missingHitRead, "shared", "read", 1770, 3, 1, 1, 285, 128],
  [missingHitWrite, "shared", "write", 1985, 3, 1, 1, 285, 128],
  [missingHitWrite, "private", "write", 3916, 3, 1, 1, 285, 128],
  [missingMiss, "shared", "read", 9738, 2, 3, 9, -6, -97],
  [missingMiss, "shared", "write", 9763, 2, 3, 9, -6, -97],
  [missingMiss, "private", "write", 9607, 2, 3, 9, -6, -97],
];

const smpBoth: readonly (readonly ["cached" | "absent", ...Smp])[] = [
  ["cached", 8103, 3, 2, 26, 34, -124],
  ["absent", 9736, 2, 3, 221, -6, -97],
];

function upFigures(...figures: Up) {
  const [inFault, separateUnlikely, separate, faultReason, lookupFirst, doUserfault, presenceProbe] = figures;
  const difference = {
    "fault-reason": faultReason,
    "fault-reason-separate": separate,
    "lookup-first": lookupFirst,
    "do-userfault": doUserfault,
    "presence-probe": presenceProbe,
  };
  return { build: "UP", inFault, separateUnlikely, difference } as const;
}

function smpFigures(...figures: Smp) {
  const [inFault, separateUnlikely, ...others] = figures;
  return { ...upFigures(inFault, separateUnlikely, separateUnlikely, ...others), build: "SMP" } as const;
}

const both = { scenario: "both", access: "read", sharing: "shared" } as const;

export const compiledKernel: readonly CompiledFault[] = [
  ...up.flatMap(([names, sharing, access, ...figures]) =>
    names.map((scenario) => ({ scenario, access, sharing, ...upFigures(...figures) })),
  ),
  ...upBoth.map(([page, ...figures]) => ({ ...both, page, ...upFigures(...figures) })),
  ...smp.flatMap(([names, sharing, access, ...figures]) =>
    names.map((scenario) => ({ scenario, access, sharing, ...smpFigures(...figures) })),
  ),
  ...smpBoth.map(([page, ...figures]) => ({ ...both, page, ...smpFigures(...figures) })),
];

/** The compiled faults of one row of a comparison, in both builds; empty where none was measured. */
export function compiledFaults(row: Pick<Cell, "scenario" | "access" | "sharing">): CompiledFault[] {
  return compiledKernel.filter(
    ({ scenario, access, sharing }) =>
      scenario === row.scenario && access === row.access && sharing === row.sharing,
  );
}
