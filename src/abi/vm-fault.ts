/**
 * vm_fault_t: what a page fault answers to its caller (enum vm_fault_reason, include/linux/mm_types.h), and with which flags it
 * is taken (enum fault_flag).
 */
export const VM_FAULT_OOM = 0x000001;
export const VM_FAULT_SIGBUS = 0x000002;
export const VM_FAULT_MAJOR = 0x000004;
export const VM_FAULT_HWPOISON = 0x000010;
export const VM_FAULT_HWPOISON_LARGE = 0x000020;
export const VM_FAULT_SIGSEGV = 0x000040;
/** Somebody else installed the page: nothing is left to do. */
export const VM_FAULT_NOPAGE = 0x000100;
/** The file's fault() answers its folio locked. */
export const VM_FAULT_LOCKED = 0x000200;
/** The fault is to be taken again from the start; the lock it ran under has been dropped. */
export const VM_FAULT_RETRY = 0x000400;
export const VM_FAULT_FALLBACK = 0x000800;
export const VM_FAULT_DONE_COW = 0x001000;
export const VM_FAULT_COMPLETED = 0x004000;
/** Proposed in the thread: the file found the page in its cache, and the mapping is registered MINOR. */
export const VM_FAULT_UFFD_MINOR = 0x008000;
/** Proposed in January 2026: the file has no such page, and the mapping is registered MISSING. */
export const VM_FAULT_UFFD_MISSING = 0x010000;
/** Where VM_FAULT_HWPOISON_LARGE keeps a huge page's size index. VM_FAULT_UFFD_MISSING lies inside it. */
export const VM_FAULT_HINDEX_MASK = 0x0f0000;

export const VM_FAULT_ERROR =
  VM_FAULT_OOM |
  VM_FAULT_SIGBUS |
  VM_FAULT_SIGSEGV |
  VM_FAULT_HWPOISON |
  VM_FAULT_HWPOISON_LARGE |
  VM_FAULT_FALLBACK;

/** A vm_fault_t: VM_FAULT_* bits. */
export type VmFaultReason = number;

export const FAULT_FLAG_WRITE = 1 << 0;
export const FAULT_FLAG_ALLOW_RETRY = 1 << 2;
export const FAULT_FLAG_RETRY_NOWAIT = 1 << 3;
export const FAULT_FLAG_KILLABLE = 1 << 4;
export const FAULT_FLAG_TRIED = 1 << 5;
export const FAULT_FLAG_USER = 1 << 6;
export const FAULT_FLAG_INTERRUPTIBLE = 1 << 9;
/** vmf.origPte holds what the page table said before the fault looked further. */
export const FAULT_FLAG_ORIG_PTE_VALID = 1 << 11;
/** The fault runs under the VMA's own lock; the mmap lock is not held. */
export const FAULT_FLAG_VMA_LOCK = 1 << 12;
