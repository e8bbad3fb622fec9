/**
 * The running kernel as a Machine (machine/machine.ts): system calls of this process, threads of this process.
 */
import {
  EACCES,
  EINTR,
  ENOSYS,
  EPERM,
  errnoName,
  MADV_NOHUGEPAGE,
  type MessageBuffer,
  MFD_CLOEXEC,
  O_CLOEXEC,
  POLLIN,
  UFFDIO_UNREGISTER,
  UFFDIO_WAKE,
  USERFAULTFD_IOC_NEW,
  uffdioRange,
} from "../abi/index.js";
import { type Libc, loadLibc } from "./libc.js";
import { LinuxThread } from "./thread.js";

/** struct pollfd: int fd; short events; short revents. */
const POLLFD_SIZE = 8;
const EVENTS = 4;
const REVENTS = 6;

/**
 * How long serve() looks for a message without sleeping, giving way to any other runnable thread each time. It is about what being
 * put to sleep and woken costs on a virtual CPU that halts when idle, so waiting costs at most twice what the better choice would
 * have. Measured on two such CPUs against sleeping in a blocking read() (bench/handler.c, both in C): 22 us a fault instead of 53
 * where thread and handler run on two, 2.55 instead of 2.70 where they share one. Looking without giving way takes the shared CPU
 * from the very thread that is waited for: 4.4 us.
 */
const LOOK_MS = 0.05;

/**
 * Giving way for longer than this, somebody else has had a turn of the scheduler's (3 ms). While there is somebody, who gives way
 * waits for each of his turns to end, and who sleeps is put before him when woken: so serve() then sleeps at once for a while.
 * Without that, one busy process made some rounds of 1,024 faults cost 800 us a fault; with it, 16.
 */
const TURN_MS = 1;
const CONTESTED_MS = 100;

/** How long shutdown() gives the threads it has woken. */
const STOP_LIMIT_MS = 5_000;

export class LinuxMachine {
  readonly pageSize: number;

  readonly #libc: Libc;
  readonly #descriptors = new Set<number>();
  readonly #userfaultfds = new Set<number>();
  #mappings: Mapping[] = [];
  readonly #threads = new Set<LinuxThread>();
  /** Of the userfaultfd that serve() serves, and of its thread. */
  readonly #pollfds = new DataView(new ArrayBuffer(2 * POLLFD_SIZE));
  /** The userfaultfd that serve() serves, -1 when it has been closed. */
  #served = -1;
  #messageWasRead = false;
  /** When serve() may look again without sleeping. */
  #contestedUntil = 0;

  /** Which CPUs the control thread may run on when it is not kept on one. */
  readonly #affinity: Uint8Array | null;

  /**
   * Throws where koffi is not there; whatLinuxOffers() says so beforehand, and whether there is a userfaultfd.
   *
   * `oneCpu`: until shutdown() the calling thread and all that it starts stay on the CPU that it is on. A fault then costs what the
   * kernel does for it, and not what waking an idle CPU costs, which on a virtual machine is ten times as much.
   */
  constructor({ oneCpu = false } = {}) {
    this.#libc = loadLibc();
    this.#affinity = oneCpu ? stayOnOneCpu(this.#libc) : null;
    this.pageSize = this.#libc.pageSize();
    this.#pollfds.setInt16(EVENTS, POLLIN, true);
    this.#pollfds.setInt16(POLLFD_SIZE + EVENTS, POLLIN, true);
    shutDownAtExit(this);
  }

  memfdCreate(name: string): number {
    return this.#opened(this.#libc.memfd_create(name, MFD_CLOEXEC));
  }
  ftruncate(fd: number, bytes: number): number {
    return this.#libc.ftruncate(fd, bytes);
  }
  fallocate(fd: number, mode: number, offset: number, length: number): number {
    return this.#libc.fallocate(fd, mode, offset, length);
  }
  pwrite(fd: number, bytes: Uint8Array, offset: number): number {
    return this.#libc.pwrite(fd, bytes, bytes.byteLength, offset);
  }
  pread(fd: number, into: Uint8Array, offset: number): number {
    return this.#libc.pread(fd, into, into.byteLength, offset);
  }
  close(fd: number): number {
    this.#descriptors.delete(fd);
    this.#userfaultfds.delete(fd);
    if (fd === this.#served) this.#served = -1;
    return this.#libc.close(fd);
  }

  /** Never with huge pages: one would be a single fault for what a program counts as 512. */
  mmap(length: number, prot: number, flags: number, fd: number, offset: number): number {
    const address = this.#libc.mmap(0, length, prot, flags, fd, offset);
    if (address >= 0) {
      this.#libc.madvise(address, length, MADV_NOHUGEPAGE);
      this.#mappings.push({ start: address, end: this.#pageEnd(address + length) });
    }
    return address;
  }
  munmap(address: number, length: number): number {
    const result = this.#libc.munmap(address, length);
    if (result === 0) this.#mappings = without(this.#mappings, address, this.#pageEnd(address + length));
    return result;
  }
  madvise(address: number, length: number, advice: number): number {
    return this.#libc.madvise(address, length, advice);
  }

  /** The system call, or where that is refused or absent /dev/userfaultfd. -EPERM: whatLinuxOffers() says what mends it. */
  userfaultfd(flags: number): number {
    const fd = openUserfaultfd(this.#libc, flags);
    if (fd >= 0) this.#userfaultfds.add(fd);
    return this.#opened(fd);
  }
  ioctl(fd: number, request: number, argument: DataView): number {
    return this.#libc.ioctl(fd, request, argument);
  }
  /** Blocks where the userfaultfd is not O_NONBLOCK. */
  read(fd: number, messages: MessageBuffer): number {
    const bytes = this.#libc.read(fd, messages.bytes, messages.bytes.byteLength);
    if (bytes > 0) this.#messageWasRead = true;
    return bytes;
  }

  readMemory(address: number, into: Uint8Array): void {
    this.#libc.memcpy(into, address, into.byteLength);
  }

  thread(): LinuxThread {
    const thread = new LinuxThread(this.#libc);
    this.#threads.add(thread);
    return thread;
  }

  /**
   * The userfaultfd must be O_NONBLOCK and past UFFDIO_API, or poll() knows nothing of it: throws. `answer` must expect -EAGAIN of
   * its read(), which is how serve() looks whether there is a message.
   */
  serve(fd: number, thread: LinuxThread, milliseconds: number, answer: () => void): "finished" | "stuck" {
    this.#served = fd;
    this.#pollfds.setInt32(0, fd, true);
    this.#pollfds.setInt32(POLLFD_SIZE, thread.finished, true);
    this.#sleep(0);
    for (;;) {
      let until = 0;
      while (this.#served === fd) {
        this.#messageWasRead = false;
        answer();
        if (this.#messageWasRead) {
          until = 0;
          continue;
        }
        if (thread.idle) return "finished";
        const now = performance.now();
        if (until === 0) until = now + LOOK_MS;
        if (now > until || now < this.#contestedUntil) break;
        this.#libc.sched_yield();
        if (performance.now() > now + TURN_MS) this.#contestedUntil = now + CONTESTED_MS;
      }
      // `answer` may have closed it, which has woken the thread. poll() passes over a negative descriptor.
      if (this.#served !== fd) this.#pollfds.setInt32(0, -1, true);
      const slept = this.#sleep(milliseconds);
      if (slept !== "message") return slept;
    }
  }

  /** poll() to the end of the time given, through signals. */
  #sleep(milliseconds: number): "message" | "finished" | "stuck" {
    const deadline = performance.now() + milliseconds;
    let ready: number;
    do {
      const left = Math.max(0, Math.ceil(deadline - performance.now()));
      ready = this.#libc.poll(this.#pollfds, 2, Math.min(left, MAX_INT));
    } while (ready === -EINTR);
    if (ready < 0) throw new Error(`poll() answers ${errnoName(ready)}`);
    if (ready === 0) return "stuck";
    const events = this.#pollfds.getInt16(REVENTS, true);
    if (events === 0) return "finished";
    if (events !== POLLIN)
      throw new Error(`serve() of descriptor ${this.#served}: poll() answers ${events} for it`);
    return "message";
  }

  /**
   * Throws if a thread has not stopped after 5 s, which then keeps what it was touching mapped: it sleeps in a fault that is
   * somebody else's to serve.
   */
  shutdown(): void {
    this.#wakeAll();
    const deadline = performance.now() + STOP_LIMIT_MS;
    let running = 0;
    for (const thread of this.#threads) {
      if (thread.stops(Math.max(0, deadline - performance.now()))) {
        thread.end();
      } else {
        thread.terminate();
        running++;
      }
    }
    this.#threads.clear();
    for (const fd of this.#descriptors) this.#libc.close(fd);
    this.#descriptors.clear();
    if (running === 0) for (const { start, end } of this.#mappings) this.#libc.munmap(start, end - start);
    this.#mappings = [];
    if (this.#affinity !== null) this.#libc.sched_setaffinity(this.#affinity);
    live.delete(this);
    if (running > 0) throw new Error(`${running} threads did not stop within ${STOP_LIMIT_MS} ms`);
  }

  /**
   * Frees every thread asleep in a fault. Closing a userfaultfd does that, unless another process has inherited it. UNREGISTER
   * leaves MINOR waiters asleep, and may lose the wake of a MISSING one that it races with: so WAKE comes after it.
   */
  #wakeAll(): void {
    const range = uffdioRange.allocate();
    for (const fd of this.#userfaultfds) {
      for (const { start, end } of this.#mappings) {
        uffdioRange.write(range, { start, len: end - start });
        this.#libc.ioctl(fd, UFFDIO_UNREGISTER, range);
        this.#libc.ioctl(fd, UFFDIO_WAKE, range);
      }
      this.close(fd);
    }
  }

  #opened(fd: number): number {
    if (fd >= 0) this.#descriptors.add(fd);
    return fd;
  }

  #pageEnd(address: number): number {
    return Math.ceil(address / this.pageSize) * this.pageSize;
  }
}

const MAX_INT = 2 ** 31 - 1;

/** Addresses, end excluded. */
interface Mapping {
  readonly start: number;
  readonly end: number;
}

/** The mappings with a range taken out of them. */
function without(mappings: readonly Mapping[], start: number, end: number): Mapping[] {
  return mappings.flatMap((mapping) =>
    [
      { start: mapping.start, end: Math.min(mapping.end, start) },
      { start: Math.max(mapping.start, end), end: mapping.end },
    ].filter((piece) => piece.start < piece.end),
  );
}

/** Bytes of a cpu_set_t: 1024 CPUs. */
const CPU_SET_SIZE = 128;

/** Answers which CPUs it could run on before. */
function stayOnOneCpu(libc: Libc): Uint8Array {
  const before = new Uint8Array(new ArrayBuffer(CPU_SET_SIZE));
  libc.sched_getaffinity(before);
  const here = new Uint8Array(new ArrayBuffer(CPU_SET_SIZE));
  const cpu = libc.sched_getcpu();
  here[cpu >> 3] = 1 << (cpu & 7);
  libc.sched_setaffinity(here);
  return before;
}

/** A userfaultfd by either way, or minus the errno of the system call. */
export function openUserfaultfd(libc: Libc, flags: number): number {
  const fd = libc.userfaultfd(flags);
  if (fd !== -EPERM && fd !== -EACCES && fd !== -ENOSYS) return fd;
  const device = libc.open("/dev/userfaultfd", O_CLOEXEC);
  if (device < 0) return fd;
  const opened = libc.ioctl(device, USERFAULTFD_IOC_NEW, flags);
  libc.close(device);
  return opened < 0 ? fd : opened;
}

const live = new Set<LinuxMachine>();
let hooked = false;

/**
 * A program that exits without shutdown(), say through an exception, would hang: Node waits for its workers, and one asleep in a
 * fault cannot be ended.
 */
function shutDownAtExit(machine: LinuxMachine): void {
  live.add(machine);
  if (hooked) return;
  hooked = true;
  process.on("exit", () => {
    for (const machine of live) machine.shutdown();
  });
}
