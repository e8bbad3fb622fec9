/**
 * What is compared with what: a kernel for each placement, and the running one.
 */
import type { Placement } from "../kernel/index.js";

/** The executable kernel as it is compiled for running, without generators (scripts/compile-direct.mjs): nobody explores here. */
export const kernelDirect: typeof import("../kernel/index.js") = await import(
  new URL("../kernel-direct/index.js", import.meta.url).href
);

const placements: readonly Placement[] = [
  kernelDirect.inFault,
  kernelDirect.faultReason,
  kernelDirect.faultReasonSeparate,
  kernelDirect.lookupFirst,
  kernelDirect.doUserfault,
  kernelDirect.presenceProbe,
];

export const targetNames = [
  "in-fault",
  "fault-reason",
  "fault-reason-separate",
  "lookup-first",
  "do-userfault",
  "presence-probe",
  "kernel",
] as const;

export type TargetName = (typeof targetNames)[number];

/** The placement of a target; null for the running kernel. */
export function placementOf(target: TargetName): Placement | null {
  return placements.find((placement) => placement.name === target) ?? null;
}
