/**
 * shmem: memory that is a file (mm/shmem.c). What it does when userfaultfd wants a fault differs between the placements, and
 * is given to it: this file does not know handle_userfault().
 *
 * Left out: large folios, swap, NUMA, seals, quotas.
 */
import {
  EEXIST,
  EFAULT,
  EINVAL,
  ENOENT,
  ENOMEM,
  VM_FAULT_LOCKED,
  VM_FAULT_OOM,
  VM_FAULT_RETRY,
  VM_FAULT_SIGBUS,
  type VmFaultReason,
} from "../../abi/index.js";
import {
  type AddressSpace,
  type CopyFromUser,
  type FillFolio,
  type Folio,
  folioLock,
  folioUnlock,
  type HolePunch,
  type Inode,
  linearPageIndex,
  type PhysicalMemory,
  releaseFaultLock,
  userfaultfdMinor,
  userfaultfdMissing,
  VM_UFFD_WP,
  type Vma,
  type VmFault,
  type VmOperations,
} from "../memory/index.js";
import { type Stoppable, type Task, WaitQueueEntry, WaitQueueHead } from "../tasks/index.js";
import { copyIn, mfillAtomicInstallPte, takeFilled } from "../userfaultfd/mfill-atomic.js";
import { filemapMapPages } from "./filemap-map-pages.js";

/**
 * What shmem_get_folio_gfp() does about a fault that userfaultfd wants, where the memory type is the one that asks: answers a
 * reason as the fault's result, or calls a handler, whose answer is the result. A placement that asks elsewhere leaves them out,
 * and nothing is tested here.
 */
export interface ShmemUserfaultHooks {
  /** The page cache holds the page, and the mapping is registered MINOR. */
  readonly minor?: UserfaultHook;
  /** It does not, a page would be allocated next, and the mapping is registered MISSING. */
  readonly missing?: UserfaultHook;
}
export type UserfaultHook = VmFaultReason | ((vmf: VmFault) => Stoppable<VmFaultReason>);

/**
 * enum sgp_type: what to do about a hole, and about the end of the file.
 * read: a hole answers 0. noalloc: it answers -ENOENT. cache: it is filled with a page of zeros. write: it is filled with a page
 * that the caller fills, or clears; and there is no end of the file.
 */
type Sgp = "read" | "noalloc" | "cache" | "write";

/** The memory type with its hooks. */
export function shmemOperations(hooks: ShmemUserfaultHooks): VmOperations {
  return {
    fault: (vmf) => shmemFault(vmf, hooks),
    mapPages: filemapMapPages,
    canUserfault: (vmFlags) => (vmFlags & VM_UFFD_WP) === 0,
    getFolioNoalloc: (current, memory, inode, pgoff) =>
      shmemGetFolio(current, memory, inode, pgoff, "noalloc"),
    folioPresent: shmemFolioPresent,
    mfillAtomicPte: shmemMfillAtomicPte,
  };
}

/** shmem_fault(): vmf.folio, locked and referenced. Waits while the page is in a hole being punched. */
function* shmemFault(vmf: VmFault, hooks: ShmemUserfaultHooks): Stoppable<VmFaultReason> {
  const { current, vma } = vmf;
  const inode = vma.inode!;
  while (current.stops(inode, "read")) yield;
  if (inode.holePunch !== null) {
    const ret = yield* shmemFallocWait(vmf, inode.holePunch);
    if (ret) return ret;
  }
  const folio = yield* shmemGetFolioGfp(current, vmf.mm.memory, inode, vmf.pgoff, "cache", vmf, hooks);
  if (typeof folio === "object") {
    vmf.folio = folio;
    return VM_FAULT_LOCKED;
  }
  return folio < 0 ? vmfError(folio) : folio;
}

/** shmem_get_folio(): the folio locked and referenced, minus an errno, or 0 (see Sgp). */
export function shmemGetFolio(
  current: Task,
  memory: PhysicalMemory,
  inode: Inode,
  index: number,
  sgp: Sgp,
): Stoppable<Folio | number> {
  return shmemGetFolioGfp(current, memory, inode, index, sgp, null, NO_HOOKS);
}

const NO_HOOKS: ShmemUserfaultHooks = {};

/** shmem_get_folio_gfp(): the folio locked and referenced, minus an errno, or what a hook answered: VM_FAULT_* and no folio. */
function* shmemGetFolioGfp(
  current: Task,
  memory: PhysicalMemory,
  inode: Inode,
  index: number,
  sgp: Sgp,
  vmf: VmFault | null,
  hooks: ShmemUserfaultHooks,
): Stoppable<Folio | VmFaultReason | number> {
  const { mapping } = inode;
  for (;;) {
    while (current.stops(inode, "read")) yield;
    if (sgp !== "write" && pastTheEnd(inode, memory, index)) return -EINVAL;

    while (current.stops(mapping, "read")) yield;
    const folio = mapping.getEntry(current, index);
    if (folio !== null) {
      if (vmf !== null && hooks.minor !== undefined && userfaultfdMinor(current, vmf.vma)) {
        memory.put(current, folio);
        return typeof hooks.minor === "number" ? hooks.minor : yield* hooks.minor(vmf);
      }
      while (!folioLock(current, folio)) yield;
      if (folio.mapping === mapping) return folio;
      // It was removed from the file before it could be locked.
      folioUnlock(current, folio);
      memory.put(current, folio);
      continue;
    }

    if (sgp === "read") return 0;
    if (sgp === "noalloc") return -ENOENT;
    if (vmf !== null && hooks.missing !== undefined && userfaultfdMissing(current, vmf.vma)) {
      return typeof hooks.missing === "number" ? hooks.missing : yield* hooks.missing(vmf);
    }
    const allocated = yield* shmemAllocAndAddFolio(current, memory, inode, index);
    if (allocated === -EEXIST) continue;
    if (typeof allocated === "number") return allocated;
    if (sgp !== "write") clear(memory, allocated);
    while (current.stops(inode, "read")) yield;
    if (sgp !== "write" && pastTheEnd(inode, memory, index)) {
      // The file was truncated since it was looked at.
      while (current.stops(mapping, "write")) yield;
      mapping.remove(allocated);
      memory.put(current, allocated);
      folioUnlock(current, allocated);
      memory.put(current, allocated);
      return -EINVAL;
    }
    return allocated;
  }
}

function clear(memory: PhysicalMemory, folio: Folio): void {
  memory.clear(folio);
  folio.uptodate = true;
}

const pastTheEnd = (inode: Inode, memory: PhysicalMemory, index: number): boolean =>
  index * memory.pageSize >= inode.size;

/** shmem_alloc_and_add_folio(): a new folio, locked, with the cache's reference and the caller's; not cleared. */
function* shmemAllocAndAddFolio(
  current: Task,
  memory: PhysicalMemory,
  inode: Inode,
  index: number,
): Stoppable<Folio | number> {
  const folio = memory.allocate(current);
  if (folio === null) return -ENOMEM;
  folio.trylock(current);
  while (current.stops(inode.mapping, "write")) yield;
  if (inode.mapping.add(current, folio, index)) return folio;
  current.ledger.allocationsThrownAway++;
  folio.unlock(current);
  memory.put(current, folio);
  return -EEXIST;
}

/**
 * shmem_falloc_wait(): a fault in a hole that is being punched waits for the punch to end, without its lock, so that the punch
 * does end: 0 if the page is not in the hole, else RETRY.
 */
function* shmemFallocWait(vmf: VmFault, punch: HolePunch): Stoppable<VmFaultReason> {
  const { current } = vmf;
  if (vmf.pgoff < punch.start || vmf.pgoff >= punch.next) return 0;
  releaseFaultLock(vmf);
  while (!punch.waitQueue.lock.lock(current)) yield;
  // The punch ends with this lock held: it has not ended yet, or wakes nobody any more.
  if (vmf.vma.inode!.holePunch === punch) {
    punch.waitQueue.add(new WaitQueueEntry(current));
    current.state = "uninterruptible";
  }
  punch.waitQueue.lock.unlock(current);
  while (current.asleep) yield;
  return VM_FAULT_RETRY;
}

/** vmf_error() */
function vmfError(error: number): VmFaultReason {
  return error === -ENOMEM ? VM_FAULT_OOM : VM_FAULT_SIGBUS;
}

/** Whether the page cache holds anything at an index. -EINVAL past the end of the file. */
function* shmemFolioPresent(
  current: Task,
  memory: PhysicalMemory,
  inode: Inode,
  index: number,
): Stoppable<boolean | number> {
  while (current.stops(inode, "read")) yield;
  if (pastTheEnd(inode, memory, index)) return -EINVAL;
  while (current.stops(inode.mapping, "read")) yield;
  return inode.mapping.present(current, index);
}

/** shmem_mfill_atomic_pte(): COPY (`source`) or ZEROPAGE (null) of a shared mapping. */
function* shmemMfillAtomicPte(
  current: Task,
  vma: Vma,
  address: number,
  source: number | null,
  fillFolio: FillFolio,
  copyFromUser: CopyFromUser,
): Stoppable<number> {
  const { memory, pageSize } = vma.mm;
  const inode = vma.inode!;
  const pgoff = linearPageIndex(vma, address);
  const folio =
    takeFilled(fillFolio) ??
    (source === null ? zeroed(current, memory) : copyIn(current, memory, source, fillFolio, copyFromUser));
  if (typeof folio === "number") return folio;
  folio.trylock(current);
  folio.uptodate = true;

  while (current.stops(inode, "read")) yield;
  let error = 0;
  if (pgoff >= Math.ceil(inode.size / pageSize)) error = -EFAULT;
  if (!error) {
    while (current.stops(inode.mapping, "write")) yield;
    if (!inode.mapping.add(current, folio, pgoff)) error = -EEXIST;
  }
  if (!error) {
    error = yield* mfillAtomicInstallPte(current, vma, address, folio);
    if (error) {
      while (current.stops(inode.mapping, "write")) yield;
      inode.mapping.remove(folio);
      memory.put(current, folio);
    }
  }
  folioUnlock(current, folio);
  if (error) {
    current.ledger.allocationsThrownAway++;
    memory.put(current, folio);
  }
  return error;
}

function zeroed(current: Task, memory: PhysicalMemory): Folio | number {
  const folio = memory.allocate(current);
  if (folio === null) return -ENOMEM;
  memory.clear(folio);
  return folio;
}

/** pwrite() on the file: bytes written, or minus an errno. Goes past every mapping. */
export function* shmemFileWrite(
  current: Task,
  memory: PhysicalMemory,
  inode: Inode,
  bytes: Uint8Array,
  offset: number,
): Stoppable<number> {
  while (!inode.lock.writeLock(current)) yield;
  let written = 0;
  let error = 0;
  while (written < bytes.length) {
    const at = offset + written;
    const index = Math.floor(at / memory.pageSize);
    const within = at % memory.pageSize;
    const length = Math.min(memory.pageSize - within, bytes.length - written);
    const folio = yield* shmemGetFolio(current, memory, inode, index, "write");
    if (typeof folio === "number") {
      error = folio;
      break;
    }
    if (!folio.uptodate && length < memory.pageSize) memory.clear(folio);
    folio.uptodate = true;
    memory.bytes.set(bytes.subarray(written, written + length), folio.pfn * memory.pageSize + within);
    while (current.stops(inode, "write")) yield;
    if (at + length > inode.size) inode.size = at + length;
    folioUnlock(current, folio);
    memory.put(current, folio);
    written += length;
  }
  inode.lock.writeUnlock(current);
  return written > 0 ? written : error;
}

/** pread() on the file: bytes read. A hole is zeros, and stays a hole. */
export function* shmemFileRead(
  current: Task,
  memory: PhysicalMemory,
  inode: Inode,
  into: Uint8Array,
  offset: number,
): Stoppable<number> {
  const end = Math.min(offset + into.length, inode.size);
  for (let at = offset; at < end; ) {
    const within = at % memory.pageSize;
    const length = Math.min(memory.pageSize - within, end - at);
    const folio = yield* shmemGetFolio(current, memory, inode, Math.floor(at / memory.pageSize), "read");
    if (typeof folio === "number") {
      // A hole, or the file has been truncated meanwhile.
      into.fill(0, at - offset, at - offset + length);
    } else {
      folioUnlock(current, folio);
      const from = folio.pfn * memory.pageSize + within;
      into.set(memory.bytes.subarray(from, from + length), at - offset);
      memory.put(current, folio);
    }
    at += length;
  }
  return Math.max(0, end - offset);
}

/**
 * fallocate(FALLOC_FL_PUNCH_HOLE) of some bytes: pages leave the page cache and every mapping; copies in private mappings stay.
 * Parts of pages are zeroed.
 */
export function* shmemPunchHole(
  current: Task,
  memory: PhysicalMemory,
  inode: Inode,
  offset: number,
  length: number,
): Stoppable<void> {
  const start = Math.ceil(offset / memory.pageSize);
  const next = Math.floor((offset + length) / memory.pageSize);
  while (!inode.lock.writeLock(current)) yield;
  const punch = { start, next, waitQueue: new WaitQueueHead() };
  while (current.stops(inode, "write")) yield;
  inode.holePunch = punch;
  yield* unmapMappingRange(current, inode, start, next, false);
  yield* shmemUndoRange(current, memory, inode, offset, offset + length);
  while (!punch.waitQueue.lock.lock(current)) yield;
  inode.holePunch = null;
  punch.waitQueue.wakeLocked(current, () => true);
  punch.waitQueue.lock.unlock(current);
  inode.lock.writeUnlock(current);
}

/** ftruncate(): what is past the new end leaves the page cache and every mapping, private copies too. */
export function* shmemTruncate(
  current: Task,
  memory: PhysicalMemory,
  inode: Inode,
  bytes: number,
): Stoppable<void> {
  while (!inode.lock.writeLock(current)) yield;
  while (current.stops(inode, "write")) yield;
  // To the same size, too: what a mapping has stored behind the end is cleared.
  const grows = bytes > inode.size;
  inode.size = bytes;
  if (!grows) {
    const first = Math.ceil(bytes / memory.pageSize);
    yield* unmapMappingRange(current, inode, first, Number.POSITIVE_INFINITY, true);
    yield* shmemUndoRange(current, memory, inode, bytes, Number.POSITIVE_INFINITY);
    // Copies that a racing fault of a private mapping made since.
    yield* unmapMappingRange(current, inode, first, Number.POSITIVE_INFINITY, true);
  }
  inode.lock.writeUnlock(current);
}

/** unmap_mapping_range(): takes pages [first, next) of the file out of every page table. */
function* unmapMappingRange(
  current: Task,
  inode: Inode,
  first: number,
  next: number,
  evenCows: boolean,
): Stoppable<void> {
  for (const vma of [...inode.mapping.vmas]) {
    const { pageSize } = vma.mm;
    const start = Math.max(vma.start, vma.start + (first - vma.pgoff) * pageSize);
    const end = Math.min(vma.end, vma.start + (next - vma.pgoff) * pageSize);
    if (start < end) yield* vma.mm.zap(current, start, end, evenCows);
  }
}

/** shmem_undo_range(): the pages in the bytes [from, to) leave the page cache; parts of pages at both ends are zeroed. */
function* shmemUndoRange(
  current: Task,
  memory: PhysicalMemory,
  inode: Inode,
  from: number,
  to: number,
): Stoppable<void> {
  const { mapping } = inode;
  const { pageSize } = memory;
  const next = Math.min(Math.floor(to / pageSize), mapping.pages.length);
  for (let index = Math.ceil(from / pageSize); index < next; index++) {
    while (current.stops(mapping, "read")) yield;
    if (mapping.pages[index] === undefined) continue;
    const folio = mapping.getEntry(current, index)!;
    while (!folioLock(current, folio)) yield;
    if (folio.mapping === mapping) {
      // truncate_inode_folio(): a fault may have mapped it again since the range was unmapped.
      if (folio.mapcount > 0) yield* unmapMappingRange(current, inode, index, index + 1, false);
      while (current.stops(mapping, "write")) yield;
      mapping.remove(folio);
      memory.put(current, folio);
    }
    folioUnlock(current, folio);
    memory.put(current, folio);
  }
  const first = Math.floor(from / pageSize);
  const last = Math.floor(to / pageSize);
  if (from % pageSize > 0) {
    const end = first === last ? to % pageSize : pageSize;
    yield* zeroPartialFolio(current, memory, mapping, first, from % pageSize, end);
  }
  if (to % pageSize > 0 && (first < last || from % pageSize === 0))
    yield* zeroPartialFolio(current, memory, mapping, last, 0, to % pageSize);
}

/** truncate_inode_partial_folio(): zeroes the bytes [start, end) of a page, if it is there. */
function* zeroPartialFolio(
  current: Task,
  memory: PhysicalMemory,
  mapping: AddressSpace,
  index: number,
  start: number,
  end: number,
): Stoppable<void> {
  while (current.stops(mapping, "read")) yield;
  const folio = mapping.getEntry(current, index);
  if (folio === null) return;
  while (!folioLock(current, folio)) yield;
  if (folio.mapping === mapping) {
    const at = folio.pfn * memory.pageSize;
    memory.bytes.fill(0, at + start, at + end);
  }
  folioUnlock(current, folio);
  memory.put(current, folio);
}
