/**
 * Page-table entries: a frame number over eight bits of flags. 0 is none: nothing was ever here.
 */
import { VM_READ, VM_SHARED, VM_WRITE, type Vma } from "./vma.js";

export type Pte = number;

const PRESENT = 1 << 0;
const WRITE = 1 << 1;
const DIRTY = 1 << 2;
const YOUNG = 1 << 3;
/** Present, and not to be accessed: the VMA may be neither read nor written. */
const PROTNONE = 1 << 4;
const PFN_SHIFT = 8;

/** How many frames an entry can name: 64 GiB of 4 KiB pages. */
export const MAX_FRAMES = 2 ** (32 - PFN_SHIFT);

export const PTE_NONE: Pte = 0;

/** mk_pte(page, vma->vm_page_prot): a shared writable mapping of shmem is writable from the first read on. */
export function mkPte(pfn: number, vma: Vma): Pte {
  const sharedWrite = (vma.flags & (VM_SHARED | VM_WRITE)) === (VM_SHARED | VM_WRITE);
  const protnone = (vma.flags & (VM_READ | VM_WRITE)) === 0;
  return (pfn << PFN_SHIFT) | PRESENT | (sharedWrite ? WRITE : 0) | (protnone ? PROTNONE : 0);
}

export const pteNone = (pte: Pte): boolean => pte === PTE_NONE;
export const ptePresent = (pte: Pte): boolean => (pte & PRESENT) !== 0;
/** What the hardware takes for present. */
export const pteAccessible = (pte: Pte): boolean => (pte & (PRESENT | PROTNONE)) === PRESENT;
export const pteWrite = (pte: Pte): boolean => (pte & WRITE) !== 0;
export const ptePfn = (pte: Pte): number => pte >>> PFN_SHIFT;
export const pteMkwrite = (pte: Pte): Pte => pte | WRITE;
export const pteMkdirty = (pte: Pte): Pte => pte | DIRTY;
export const pteMkyoung = (pte: Pte): Pte => pte | YOUNG;
export const pteWrprotect = (pte: Pte): Pte => pte & ~WRITE;
