/**
 * The executable kernel: physical memory, a placement, and the sizes that are parameters.
 */
import type { FaultPath, Placement } from "./fault/fault-path.js";
import { Ledger } from "./ledger.js";
import { Mm, PhysicalMemory, type VmOperations } from "./memory/index.js";
import { Scheduler, Task } from "./tasks/index.js";

export interface KernelOptions {
  readonly placement: Placement;
  /** Physical memory, in bytes. An allocation beyond it is ENOMEM. Taken from the host only when it is used. */
  readonly memoryBytes: number;
  /** A power of two; 4096 unless given. */
  readonly pageSize?: number;
  /** fault_around_bytes: a power of two of at least pageSize; 65536 unless given. pageSize itself: no fault-around. */
  readonly faultAroundBytes?: number;
  /** Entries of one page table; 512 unless given. */
  readonly ptrsPerPte?: number;
}

export class Kernel {
  readonly ledger = new Ledger();
  readonly scheduler = new Scheduler();
  readonly memory: PhysicalMemory;
  readonly faultPath: FaultPath;
  /** The memory type of every shmem file. */
  readonly shmem: { operations: VmOperations };
  readonly #ptrsPerPte: number;

  constructor(options: KernelOptions) {
    const pageSize = options.pageSize ?? 4096;
    this.memory = new PhysicalMemory(pageSize, Math.ceil(options.memoryBytes / pageSize));
    this.faultPath = {
      placement: options.placement,
      faultAroundPages: (options.faultAroundBytes ?? 65536) / pageSize,
    };
    this.shmem = { operations: options.placement.shmem };
    this.#ptrsPerPte = options.ptrsPerPte ?? 512;
  }

  /** For all faults from now on: the same files and mappings, on another kernel. No task may be in the middle of a fault. */
  set placement(placement: Placement) {
    this.faultPath.placement = placement;
    this.shmem.operations = placement.shmem;
  }

  /** As /sys/kernel/debug/fault_around_bytes: for all faults from now on. */
  set faultAroundBytes(bytes: number) {
    this.faultPath.faultAroundPages = bytes / this.memory.pageSize;
  }

  newMm(): Mm {
    return new Mm(this.memory, this.#ptrsPerPte);
  }

  newTask(name: string, explored = false): Task {
    return new Task(name, this.ledger, explored, this.scheduler);
  }
}
