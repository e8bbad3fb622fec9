/**
 * The per-VMA lock (include/linux/mmap_lock.h): a fault reads one VMA under it, without the mmap lock.
 *
 * A writer holds the mmap lock for writing, marks each VMA it changes with the mm's sequence number, and waits for that VMA's
 * readers. All its VMAs are released at once, when it drops the mmap lock: the sequence number moves on.
 */
import type { Stoppable, Task } from "../tasks/index.js";
import type { Mm } from "./mm.js";
import type { Vma } from "./vma.js";

/** vma_start_read(): false if a writer has the VMA. Never waits. */
export function vmaStartRead(current: Task, vma: Vma): boolean {
  current.ledger.vmaLocks++;
  if (vma.detached || vma.lockSequence === vma.mm.lockSequence) return false;
  vma.readers++;
  return true;
}

export function vmaEndRead(vma: Vma): void {
  vma.readers--;
}

/** vma_start_write(): the mmap lock is held for writing. Blocks until the VMA's readers have left; new ones are refused. */
export function* vmaStartWrite(current: Task, vma: Vma): Stoppable<void> {
  while (current.stops(vma, "acquire")) yield;
  vma.lockSequence = vma.mm.lockSequence;
  while (!readersHaveLeft(current, vma)) yield;
}

function readersHaveLeft(current: Task, vma: Vma): boolean {
  return vma.readers === 0 ? current.goesOn() : current.waits(() => vma.readers === 0);
}

/** lock_vma_under_rcu(): the VMA of an address, read-locked; null if there is none or a writer has it: then use the mmap lock. */
export function* lockVmaUnderRcu(current: Task, mm: Mm, address: number): Stoppable<Vma | null> {
  while (current.stops(mm, "read")) yield;
  const vma = mm.findVma(address);
  if (vma === null) return null;
  while (current.stops(vma, "acquire")) yield;
  if (!vmaStartRead(current, vma)) return null;
  // The VMA may have been split or moved between finding and locking it.
  if (address < vma.start || address >= vma.end) {
    vmaEndRead(vma);
    return null;
  }
  return vma;
}
