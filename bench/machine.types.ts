/**
 * LinuxMachine is a Machine: nothing says so in src/linux/, which may not import what is above it. The compiler checks it here.
 */
import type { LinuxMachine } from "../src/linux/index.js";
import type { LinuxThread } from "../src/linux/thread.js";
import type { Touch, TouchResult } from "../src/linux/thread-protocol.js";
import type * as machine from "../src/machine/machine.js";

type Extends<A extends B, B> = A;

export type Checked = [
  Extends<LinuxMachine, machine.Machine>,
  Extends<LinuxThread, machine.Thread>,
  Extends<Touch, machine.Touch>,
  Extends<machine.Touch, Touch>,
  Extends<TouchResult, machine.TouchResult>,
  Extends<machine.TouchResult, TouchResult>,
];
