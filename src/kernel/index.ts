export { ExecutableMachine, ExecutableThread } from "./executable-machine.js";
export type { Placement } from "./fault/fault-path.js";
export { Kernel, type KernelOptions } from "./kernel.js";
export { Ledger, type LedgerEntry, ledgerEntries, lockedFolioOperations } from "./ledger.js";
export * from "./placements/index.js";
export { Process } from "./process.js";
export { type NextTouch, type Stoppable, Task } from "./tasks/index.js";
