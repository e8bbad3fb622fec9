/**
 * struct uffd_msg: what read() on a userfaultfd answers, 32 bytes each.
 */
import { readInt64, writeInt64 } from "./struct.js";

/** Bytes of one message. read() with a smaller buffer is EINVAL. */
export const UFFD_MSG_SIZE = 32;

export const UFFD_EVENT = {
  PAGEFAULT: 0x12,
  FORK: 0x13,
  REMAP: 0x14,
  REMOVE: 0x15,
  UNMAP: 0x16,
} as const;

/** Flags of a PAGEFAULT message. Neither WP nor MINOR means MISSING. */
export const UFFD_PAGEFAULT_FLAG_WRITE = 1 << 0;
export const UFFD_PAGEFAULT_FLAG_WP = 1 << 1;
export const UFFD_PAGEFAULT_FLAG_MINOR = 1 << 2;

const EVENT = 0;
const FLAGS = 8;
const ADDRESS = 16;
const THREAD_ID = 24;
const CHILD = 8;
const FROM = 8;
const TO = 16;
const LENGTH = 24;
const START = 8;
const END = 16;

/**
 * A buffer of messages, read in place: nothing is allocated for a message. Filled by a read() of either kernel, and written
 * by the executable one.
 */
export class MessageBuffer {
  readonly bytes: Uint8Array;
  readonly view: DataView;

  /** @param capacity how many messages one read may answer, 1 or more. */
  constructor(readonly capacity: number) {
    this.bytes = new Uint8Array(capacity * UFFD_MSG_SIZE);
    this.view = new DataView(this.bytes.buffer);
  }

  event(message: number): number {
    return this.view.getUint8(message * UFFD_MSG_SIZE + EVENT);
  }
  /** PAGEFAULT: UFFD_PAGEFAULT_FLAG_*. */
  flags(message: number): number {
    return readInt64(this.view, message * UFFD_MSG_SIZE + FLAGS);
  }
  /** PAGEFAULT: where; the page's first byte unless the feature EXACT_ADDRESS is on. */
  address(message: number): number {
    return readInt64(this.view, message * UFFD_MSG_SIZE + ADDRESS);
  }
  /** PAGEFAULT: who, with the feature THREAD_ID; else 0. */
  threadId(message: number): number {
    return this.view.getUint32(message * UFFD_MSG_SIZE + THREAD_ID, true);
  }
  /** FORK: the child's userfaultfd, a descriptor of the process that read the message. */
  child(message: number): number {
    return this.view.getUint32(message * UFFD_MSG_SIZE + CHILD, true);
  }
  /** REMAP: the old address. */
  from(message: number): number {
    return readInt64(this.view, message * UFFD_MSG_SIZE + FROM);
  }
  /** REMAP: the new address. */
  to(message: number): number {
    return readInt64(this.view, message * UFFD_MSG_SIZE + TO);
  }
  /** REMAP: bytes moved. */
  length(message: number): number {
    return readInt64(this.view, message * UFFD_MSG_SIZE + LENGTH);
  }
  /** REMOVE and UNMAP: the first byte gone. */
  start(message: number): number {
    return readInt64(this.view, message * UFFD_MSG_SIZE + START);
  }
  /** REMOVE and UNMAP: one past the last byte gone. */
  end(message: number): number {
    return readInt64(this.view, message * UFFD_MSG_SIZE + END);
  }

  writePagefault(message: number, flags: number, address: number, threadId: number): void {
    const at = message * UFFD_MSG_SIZE;
    this.bytes.fill(0, at, at + UFFD_MSG_SIZE);
    this.view.setUint8(at + EVENT, UFFD_EVENT.PAGEFAULT);
    writeInt64(this.view, at + FLAGS, flags);
    writeInt64(this.view, at + ADDRESS, address);
    this.view.setUint32(at + THREAD_ID, threadId, true);
  }
}
