/**
 * A file's page cache (struct address_space): which of its pages are in memory, and who maps it.
 */
import type { Task } from "../tasks/index.js";
import { type Folio, folioGet } from "./folio.js";
import type { Inode } from "./inode.js";
import type { Vma } from "./vma.js";

export class AddressSpace {
  /** i_pages, by page index; undefined or beyond the end: nothing. Read without a lock (RCU), one entry at a time. */
  readonly pages: (Folio | undefined)[] = [];
  /** i_mmap: every VMA that maps the file. */
  readonly vmas = new Set<Vma>();

  constructor(readonly host: Inode) {}

  /** filemap_get_entry(): the folio at an index with a reference of the caller's, or null. Not locked. */
  getEntry(current: Task, index: number): Folio | null {
    current.ledger.pageCacheLookups++;
    const folio = this.pages[index];
    if (folio === undefined) return null;
    folioGet(current, folio);
    return folio;
  }

  /** Whether anything is at an index (xa_load() != NULL): no lock, no reference, so it may be gone at once. */
  present(current: Task, index: number): boolean {
    current.ledger.presenceProbes++;
    return this.pages[index] !== undefined;
  }

  /** shmem_add_to_page_cache(): the folio must be locked. False if another folio is there (EEXIST). */
  add(current: Task, folio: Folio, index: number): boolean {
    if (this.pages[index] !== undefined) return false;
    folioGet(current, folio);
    folio.mapping = this;
    folio.index = index;
    this.pages[index] = folio;
    return true;
  }

  /** filemap_remove_folio(): the folio must be locked; the cache's reference is the caller's to put. */
  remove(folio: Folio): void {
    this.pages[folio.index] = undefined;
    folio.mapping = null;
  }
}
