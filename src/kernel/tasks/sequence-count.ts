/**
 * A sequence count (include/linux/seqlock.h): a reader that overlapped a writer sees it, and reads again.
 */
import type { Task } from "./task.js";

export class SequenceCount {
  #sequence = 0;

  /** read_seqcount_begin(): -1 while a writer is inside; then yield and ask again. */
  readBegin(current: Task): number {
    if (current.ready === null && current.stops(this, "read")) return -1;
    if (this.#sequence % 2 === 0) {
      current.goesOn();
      return this.#sequence;
    }
    current.waits(() => this.#sequence % 2 === 0);
    return -1;
  }

  /** read_seqcount_retry(): true if a writer has been inside since readBegin() answered `sequence`. */
  readRetry(sequence: number): boolean {
    return this.#sequence !== sequence;
  }

  writeBegin(): void {
    this.#sequence++;
  }
  writeEnd(): void {
    this.#sequence++;
  }
}
