/**
 * What a program may ask of a kernel: the one interface that the executable kernel (kernel/) and the running one (linux/) both
 * offer, so that a scenario is written once and runs on both. It is the system calls' own: descriptors and addresses are
 * numbers, structs are memory laid out by abi/, and a call answers 0 or more, or minus an errno. Nothing throws for what a
 * program may do wrong.
 *
 * The calls are made by one thread, the control thread, which must not touch registered memory: the thread that touches is
 * never the thread that serves. Threads that touch are asked for with `thread()`.
 */
import type { MessageBuffer } from "../abi/index.js";

export interface Machine {
  /** Bytes; a power of two. 4096 on the running kernel. */
  readonly pageSize: number;

  /** A new shmem file of size 0: a descriptor. */
  memfdCreate(name: string): number;
  ftruncate(fd: number, bytes: number): number;
  /** FALLOC_FL_* modes; with FALLOC_FL_PUNCH_HOLE the pages leave the file and every mapping of it. */
  fallocate(fd: number, mode: number, offset: number, length: number): number;
  /** Bytes written. Goes past every mapping: pages appear in the page cache and raise no fault. */
  pwrite(fd: number, bytes: Uint8Array, offset: number): number;
  /** Bytes read; a hole reads as zeros. */
  pread(fd: number, into: Uint8Array, offset: number): number;
  close(fd: number): number;

  /** An address, or minus an errno. fd is -1 with MAP_ANONYMOUS. */
  mmap(length: number, prot: number, flags: number, fd: number, offset: number): number;
  munmap(address: number, length: number): number;
  madvise(address: number, length: number, advice: number): number;

  /** A descriptor; flags are O_CLOEXEC, O_NONBLOCK and UFFD_USER_MODE_ONLY. */
  userfaultfd(flags: number): number;
  /** The struct is read from and written to `argument`, as abi/userfaultfd.ts lays it out. */
  ioctl(fd: number, request: number, argument: DataView): number;
  /** Reads messages of a userfaultfd: bytes read, a multiple of UFFD_MSG_SIZE; -EAGAIN where there is none and it is O_NONBLOCK. */
  read(fd: number, messages: MessageBuffer): number;

  /** Copies memory of the program out, by ordinary loads of the control thread: never from a range that is registered. */
  readMemory(address: number, into: Uint8Array): void;

  /** A thread that touches memory. It ends with `end()`. */
  thread(): Thread;
  /**
   * Calls `answer` whenever the userfaultfd has a message, until `thread` has finished what it was given. "stuck": neither will
   * happen any more (the executable kernel knows; on the running one, neither happened for `milliseconds`). `answer` reads the
   * message itself, may find none (-EAGAIN), and must not touch registered memory.
   */
  serve(fd: number, thread: Thread, milliseconds: number, answer: () => void): "finished" | "stuck";

  /** Ends threads, closes descriptors, unmaps. A thread asleep in a fault is woken by the closing. */
  shutdown(): void;
}

export interface Thread {
  /** Starts touching, and returns at once. The thread must be idle. */
  touch(touch: Touch): void;
  /** Blocks until it has finished. Only after serve() said so, or where nothing can fault. */
  join(): TouchResult;
  /** Ends the thread, which must be idle. */
  end(): void;
}

/** One access of one byte to each of some pages of a mapping. */
export interface Touch {
  /** Where the mapping begins. */
  readonly address: number;
  /** Which pages, in this order; indexes from `address`. */
  readonly order: Uint32Array;
  readonly access: Access;
  /** By page index from `address`: where a read puts the byte it saw, and what a write stores. In a SharedArrayBuffer. */
  readonly bytes: Uint8Array;
  /**
   * The access is made by a system call, which answers -EFAULT where a program would get SIGBUS and die. It stops at the first
   * error. Writes through a system call are not offered.
   */
  readonly throughSystemCall: boolean;
}

export type Access = "read" | "write";

export interface TouchResult {
  /** 0, or minus the errno of the access that ended it: -EFAULT through a system call, -SIGBUS or -SIGSEGV never return. */
  readonly result: number;
  /** Time of the accesses alone. */
  readonly nanoseconds: number;
  /** Page faults taken meanwhile, as the kernel accounts them to the thread: one that slept and was taken again counts once. */
  readonly faults: number;
}
