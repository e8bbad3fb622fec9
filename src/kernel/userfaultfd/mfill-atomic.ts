/**
 * COPY, ZEROPAGE and CONTINUE: pages are put into a registered range, one by one, and whoever waits for them is woken
 * (mm/userfaultfd.c, mfill_atomic and its family).
 */
import { EAGAIN, EEXIST, EFAULT, EINVAL, ENOENT, ENOMEM } from "../../abi/index.js";
import {
  type CopyFromUser,
  type FillFolio,
  type Folio,
  folioUnlock,
  linearPageIndex,
  lockVmaUnderRcu,
  type Mm,
  mkPte,
  PageTable,
  type PhysicalMemory,
  type Pte,
  pteLock,
  pteMkdirty,
  pteMkwrite,
  pteMkyoung,
  pteNone,
  pteWrprotect,
  VM_UFFD_WP,
  VM_WRITE,
  type Vma,
  vmaEndRead,
  ZERO_PFN,
} from "../memory/index.js";
import type { Stoppable, Task } from "../tasks/index.js";
import type { UserfaultfdContext } from "./context.js";

/** What to fill with. `wp`: write-protected, which asks for a range registered with WP. */
export type Fill =
  | { readonly kind: "copy"; readonly source: number; readonly wp: boolean }
  | { readonly kind: "zeropage"; readonly wp: false }
  | { readonly kind: "continue"; readonly wp: boolean };

/**
 * Bytes done if any were, else minus an errno. The range lies in one VMA, registered with any userfaultfd (ENOENT): which one is
 * not asked. Stops at the first page that fails. Wakes nobody: the caller does.
 */
export function* mfillAtomic(
  current: Task,
  ctx: UserfaultfdContext,
  dst: number,
  len: number,
  fill: Fill,
  copyFromUser: CopyFromUser,
): Stoppable<number> {
  const { mm } = ctx;
  const { memory } = mm;
  // A folio allocated on an attempt that found the source not mapped.
  const fillFolio: FillFolio = { folio: null };
  let done = 0;
  let error = 0;
  while (done < len) {
    const vma: Vma | number = yield* uffdMfillLock(current, mm, dst, len);
    if (typeof vma === "number") {
      error = vma;
      break;
    }
    if ((fill.wp && !(vma.flags & VM_UFFD_WP)) || (fill.kind === "continue" && vma.operations === null)) {
      vmaEndRead(vma);
      error = -EINVAL;
      break;
    }
    error = 0;
    while (done < len && error === 0) {
      error = yield* mfillAtomicPte(current, vma, dst + done, fill, done, fillFolio, copyFromUser);
      if (error === 0) done += mm.pageSize;
    }
    vmaEndRead(vma);
    if (error !== -ENOENT || fill.kind !== "copy" || fillFolio.folio === null) break;
    // The source page is not mapped. Taking a fault under the lock of the destination could deadlock, so it is taken without;
    // then everything is looked up again.
    error = yield* copyFromUser.faulting(current, fill.source + done, fillFolio.folio);
    if (error) break;
  }
  if (fillFolio.folio !== null) {
    current.ledger.allocationsThrownAway++;
    memory.put(current, fillFolio.folio);
  }
  return done > 0 ? done : error;
}

/** uffd_mfill_lock(): the VMA of a whole destination range, read-locked, or minus an errno. */
function* uffdMfillLock(current: Task, mm: Mm, start: number, len: number): Stoppable<Vma | number> {
  const vma = yield* uffdLockVma(current, mm, start);
  if (typeof vma === "number") return vma;
  // validate_dst_vma()
  if (start + len > vma.end || vma.userfaultfdContext === null) {
    vmaEndRead(vma);
    return -ENOENT;
  }
  return vma;
}

/** uffd_lock_vma(): under the VMA lock alone, unless the VMA needs its anon_vma first. */
function* uffdLockVma(current: Task, mm: Mm, address: number): Stoppable<Vma | number> {
  const vma = yield* lockVmaUnderRcu(current, mm, address);
  if (vma !== null) {
    if (vma.shared || vma.anonVma !== null) return vma;
    vmaEndRead(vma);
  }
  while (!mm.mmapLock.readLock(current)) yield;
  current.ledger.mmapLocks++;
  const found = mm.findVma(address);
  if (found !== null) {
    if (!found.shared) mm.anonVmaPrepare(found);
    // vma_start_read_locked(): nobody can write-lock a VMA while the mmap lock is held for reading.
    current.ledger.vmaLocks++;
    found.readers++;
  }
  mm.mmapLock.readUnlock();
  return found ?? -ENOENT;
}

/** mfill_atomic_pte(): one page. 0 or minus an errno. */
function* mfillAtomicPte(
  current: Task,
  vma: Vma,
  address: number,
  fill: Fill,
  done: number,
  fillFolio: FillFolio,
  copyFromUser: CopyFromUser,
): Stoppable<number> {
  const { mm } = vma;
  while (current.stops(mm, "write")) yield;
  if (mm.table(address) === null) {
    current.ledger.allocations++;
    mm.installTable(address, new PageTable(mm.ptrsPerPte));
  }
  switch (fill.kind) {
    case "continue":
      return yield* mfillAtomicPteContinue(current, vma, address);
    case "copy":
      if (vma.shared) {
        return yield* vma.operations!.mfillAtomicPte(
          current,
          vma,
          address,
          fill.source + done,
          fillFolio,
          copyFromUser,
        );
      }
      return yield* mfillAtomicPteCopy(current, vma, address, fill.source + done, fillFolio, copyFromUser);
    case "zeropage":
      if (vma.shared) {
        return yield* vma.operations!.mfillAtomicPte(current, vma, address, null, fillFolio, copyFromUser);
      }
      return yield* mfillAtomicPteZeropage(current, vma, address);
  }
}

/** mfill_atomic_pte_continue(): maps what the page cache holds. -EFAULT if it holds nothing. */
function* mfillAtomicPteContinue(current: Task, vma: Vma, address: number): Stoppable<number> {
  const pgoff = linearPageIndex(vma, address);
  current.ledger.indirectCalls++;
  const folio = yield* vma.operations!.getFolioNoalloc(current, vma.mm.memory, vma.inode!, pgoff);
  if (typeof folio === "number") return folio === -ENOENT ? -EFAULT : folio;
  const error = yield* mfillAtomicInstallPte(current, vma, address, folio);
  folioUnlock(current, folio);
  // On success the reference is the page table's.
  if (error) vma.mm.memory.put(current, folio);
  return error;
}

/** mfill_atomic_pte_copy(): anonymous memory, which a private mapping of a file gets too. */
function* mfillAtomicPteCopy(
  current: Task,
  vma: Vma,
  address: number,
  source: number,
  fillFolio: FillFolio,
  copyFromUser: CopyFromUser,
): Stoppable<number> {
  const folio = takeFilled(fillFolio) ?? copyIn(current, vma.mm.memory, source, fillFolio, copyFromUser);
  if (typeof folio === "number") return folio;
  folio.anon = true;
  const error = yield* mfillAtomicInstallPte(current, vma, address, folio);
  if (error) {
    current.ledger.allocationsThrownAway++;
    vma.mm.memory.put(current, folio);
  }
  return error;
}

/** The folio that an earlier attempt filled, if there was one. */
export function takeFilled(fillFolio: FillFolio): Folio | null {
  const { folio } = fillFolio;
  fillFolio.folio = null;
  return folio;
}

/** A new folio filled from the source, -ENOMEM, or -ENOENT with the folio left in `fillFolio` where the source is not mapped. */
export function copyIn(
  current: Task,
  memory: PhysicalMemory,
  source: number,
  fillFolio: FillFolio,
  copyFromUser: CopyFromUser,
): Folio | number {
  const folio = memory.allocate(current);
  if (folio === null) return -ENOMEM;
  if (copyFromUser.inatomic(source, folio)) return folio;
  fillFolio.folio = folio;
  return -ENOENT;
}

/** mfill_atomic_pte_zeropage(): maps the zero page. */
function* mfillAtomicPteZeropage(current: Task, vma: Vma, address: number): Stoppable<number> {
  return yield* installPte(current, vma, address, pteWrprotect(mkPte(ZERO_PFN, vma)), null);
}

/**
 * mfill_atomic_install_pte(): 0; -EEXIST if something is mapped there already, -EFAULT past the end of the file. The folio is
 * locked if it is in the page cache, and the reference that the page table gets is the caller's.
 */
export function* mfillAtomicInstallPte(
  current: Task,
  vma: Vma,
  address: number,
  folio: Folio,
): Stoppable<number> {
  let pte = pteMkyoung(pteMkdirty(mkPte(folio.pfn, vma)));
  const pageInCache = folio.mapping !== null;
  const writable = (vma.flags & VM_WRITE) !== 0 && (vma.shared || !pageInCache);
  pte = writable ? pteMkwrite(pte) : pteWrprotect(pte);
  return yield* installPte(current, vma, address, pte, folio);
}

function* installPte(
  current: Task,
  vma: Vma,
  address: number,
  pte: Pte,
  folio: Folio | null,
): Stoppable<number> {
  const table = vma.mm.table(address);
  if (table === null) return -EAGAIN;
  while (!pteLock(current, table)) yield;
  const index = vma.mm.pteIndex(address);
  let error = 0;
  if (mfillFileOverSize(vma, address)) error = -EFAULT;
  else if (!pteNone(table.get(index))) error = -EEXIST;
  else {
    if (folio !== null) folio.mapcount++;
    table.set(current, index, pte);
  }
  table.lock.unlock(current);
  return error;
}

/** mfill_file_over_size(): the page-table lock is held. */
function mfillFileOverSize(vma: Vma, address: number): boolean {
  if (vma.inode === null) return false;
  return linearPageIndex(vma, address) >= Math.ceil(vma.inode.size / vma.mm.pageSize);
}
