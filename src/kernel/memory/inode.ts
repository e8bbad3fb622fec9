/**
 * A file (struct inode): its size, its page cache, and what its memory type can do.
 */
import { ReadWriteLock, type WaitQueueHead } from "../tasks/index.js";
import { AddressSpace } from "./address-space.js";
import type { VmOperations } from "./vm-operations.js";

export class Inode {
  /** i_rwsem: held for writing by write(), ftruncate() and fallocate(). */
  readonly lock = new ReadWriteLock();
  /** i_size in bytes. Read without a lock. */
  size = 0;
  readonly mapping: AddressSpace = new AddressSpace(this);
  /** A descriptor is open. With no descriptor and no VMA the file ends. */
  open = true;
  /** i_private of shmem: the hole being punched now. */
  holePunch: HolePunch | null = null;

  constructor(readonly type: MemoryType) {}
}

/** The operations of a memory type: those of the placement that the kernel has now. */
export interface MemoryType {
  readonly operations: VmOperations;
}

/** struct shmem_falloc: faults in these pages wait until they are gone. */
export interface HolePunch {
  readonly start: number;
  /** One past the last page. */
  readonly next: number;
  readonly waitQueue: WaitQueueHead;
}
