/**
 * Physical memory: page frames, and the folio of each frame in use (mem_map).
 */
import type { Task } from "../tasks/index.js";
import { Folio } from "./folio.js";

/** The frame of the zero page, which every read of untouched anonymous memory maps. Never freed, never written. */
export const ZERO_PFN = 0;

export class PhysicalMemory {
  readonly bytes: Uint8Array;
  readonly #folios: (Folio | undefined)[] = [undefined];
  /** Frames given back. The others, from #unused on, have never been used. */
  readonly #free: number[] = [];
  #unused = ZERO_PFN + 1;

  constructor(
    readonly pageSize: number,
    readonly frames: number,
  ) {
    this.bytes = new Uint8Array(frames * pageSize);
  }

  /** alloc_page(): not cleared; null when memory is exhausted. */
  allocate(current: Task): Folio | null {
    let pfn = this.#free.pop();
    if (pfn === undefined) {
      if (this.#unused === this.frames) return null;
      pfn = this.#unused++;
    }
    current.ledger.allocations++;
    const folio = new Folio(pfn);
    this.#folios[pfn] = folio;
    return folio;
  }

  /** folio_put(): frees the folio with its last reference. */
  put(current: Task, folio: Folio): void {
    current.ledger.folioPuts++;
    if (--folio.refcount > 0) return;
    if (folio.mapping !== null || folio.mapcount > 0)
      throw new Error(`folio ${folio.pfn} is freed while in use`);
    this.#folios[folio.pfn] = undefined;
    this.#free.push(folio.pfn);
  }

  /** pfn_folio(): the folio of a frame; null for the zero page. */
  folio(pfn: number): Folio | null {
    return this.#folios[pfn] ?? null;
  }

  get framesInUse(): number {
    return this.#unused - 1 - this.#free.length;
  }

  /** clear_highpage() */
  clear(folio: Folio): void {
    const at = folio.pfn * this.pageSize;
    this.bytes.fill(0, at, at + this.pageSize);
  }

  /** copy_highpage() */
  copy(to: Folio, fromPfn: number): void {
    const from = fromPfn * this.pageSize;
    this.bytes.copyWithin(to.pfn * this.pageSize, from, from + this.pageSize);
  }
}
