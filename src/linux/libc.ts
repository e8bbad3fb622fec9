/**
 * The few calls of libc that reach the running kernel, through koffi.
 *
 * Every call answers 0 or more, or minus an errno. Addresses are numbers: a pointer of the program is under 2^47. Variadic
 * functions are declared by the arguments used here, which x86-64 and arm64 Linux pass as they pass any others.
 */
import { createRequire } from "node:module";
import { ENOSYS } from "../abi/index.js";

/** Memory of the JavaScript program, written or read in place by the kernel. Not to be transferred to another thread. */
export type Buffer = Uint8Array | DataView;

export interface Libc {
  memfd_create(name: string, flags: number): number;
  ftruncate(fd: number, length: number): number;
  fallocate(fd: number, mode: number, offset: number, length: number): number;
  pwrite(fd: number, bytes: Uint8Array, length: number, offset: number): number;
  pread(fd: number, into: Uint8Array, length: number, offset: number): number;
  /** Blocks where the descriptor does. */
  read(fd: number, into: Buffer, length: number): number;
  write(fd: number, bytes: Uint8Array, length: number): number;
  /** One struct iovec after another. */
  writev(fd: number, iovecs: Uint32Array, count: number): number;
  open(path: string, flags: number): number;
  close(fd: number): number;
  /** Two descriptors, of which the first is for reading, as int32. */
  pipe2(fds: DataView, flags: number): number;
  eventfd(initial: number, flags: number): number;

  mmap(address: number, length: number, prot: number, flags: number, fd: number, offset: number): number;
  munmap(address: number, length: number): number;
  madvise(address: number, length: number, advice: number): number;
  /** Ordinary loads of the calling thread. */
  memcpy(into: Uint8Array, address: number, length: number): void;

  userfaultfd(flags: number): number;
  /** `argument` is a struct, or where the request wants one a plain integer. */
  ioctl(fd: number, request: number, argument: DataView | number): number;
  /** `fds` are struct pollfd. Blocks for at most `milliseconds`, for ever where that is negative. */
  poll(fds: DataView, count: number, milliseconds: number): number;
  sched_yield(): number;
  sched_getcpu(): number;
  /** Of the calling thread: a bit for each CPU. Threads that it starts inherit it. */
  sched_getaffinity(mask: Buffer): number;
  sched_setaffinity(mask: Buffer): number;
  /** `into` is a struct rusage. */
  getrusage(who: number, into: Int32Array): number;
  /** `into` is a struct timespec. */
  clock_gettime(clock: number, into: BigInt64Array): number;
  /** Bytes. */
  pageSize(): number;

  /** Memory of the program as an array, not copied; to be let go before the memory is. Node 20 aborts above 4 GiB. */
  view(address: number, length: number): Uint8Array;
}

const _SC_PAGESIZE = 30;
const __NR_userfaultfd: Partial<Record<NodeJS.Architecture, number>> = { x64: 323, arm64: 282 };

let libc: Libc | undefined;

/** libc, loaded when first asked for: koffi need not be there on a machine that only runs the executable kernel. Throws without it. */
export function loadLibc(): Libc {
  libc ??= bind(createRequire(import.meta.url)("koffi") as typeof import("koffi"));
  return libc;
}

function bind(koffi: typeof import("koffi")): Libc {
  const { errno } = koffi;
  const library = koffi.load(null);
  const answer = (result: number) => (result < 0 ? -errno() : result);

  // Where a buffer is, is asked once: koffi asking V8 at every call is 40 ns of a fault's 2,800.
  const addresses = new WeakMap<Buffer, number>();
  const addressOf = (buffer: Buffer) => {
    let address = addresses.get(buffer);
    if (address === undefined) {
      address = Number(koffi.address(buffer));
      addresses.set(buffer, address);
    }
    return address;
  };

  const memfd_create = library.func("memfd_create", "int", ["str", "uint"]);
  const ftruncate = library.func("ftruncate", "int", ["int", "int64"]);
  const fallocate = library.func("fallocate", "int", ["int", "int", "int64", "int64"]);
  const pwrite = library.func("pwrite", "int64", ["int", "void *", "size_t", "int64"]);
  const pread = library.func("pread", "int64", ["int", "void *", "size_t", "int64"]);
  const read = library.func("read", "int64", ["int", "intptr_t", "size_t"]);
  const write = library.func("write", "int64", ["int", "void *", "size_t"]);
  const writev = library.func("writev", "int64", ["int", "void *", "int"]);
  const open = library.func("open", "int", ["str", "int"]);
  const close = library.func("close", "int", ["int"]);
  const pipe2 = library.func("pipe2", "int", ["void *", "int"]);
  const eventfd = library.func("eventfd", "int", ["uint", "int"]);
  const mmap = library.func("mmap", "intptr_t", ["intptr_t", "size_t", "int", "int", "int", "int64"]);
  const munmap = library.func("munmap", "int", ["intptr_t", "size_t"]);
  const madvise = library.func("madvise", "int", ["intptr_t", "size_t", "int"]);
  const memcpy = library.func("memcpy", "intptr_t", ["void *", "intptr_t", "size_t"]);
  const syscall = library.func("syscall", "int64", ["int64", "int64"]);
  const ioctl = library.func("ioctl", "int", ["int", "ulong", "intptr_t"]);
  const poll = library.func("poll", "int", ["intptr_t", "ulong", "int"]);
  const sched_yield = library.func("sched_yield", "int", []);
  const sched_getcpu = library.func("sched_getcpu", "int", []);
  const sched_getaffinity = library.func("sched_getaffinity", "int", ["int", "size_t", "intptr_t"]);
  const sched_setaffinity = library.func("sched_setaffinity", "int", ["int", "size_t", "intptr_t"]);
  const getrusage = library.func("getrusage", "int", ["int", "void *"]);
  const clock_gettime = library.func("clock_gettime", "int", ["int", "void *"]);
  const sysconf = library.func("sysconf", "int64", ["int"]);

  return {
    memfd_create: (name, flags) => answer(memfd_create(name, flags)),
    ftruncate: (fd, length) => answer(ftruncate(fd, length)),
    fallocate: (fd, mode, offset, length) => answer(fallocate(fd, mode, offset, length)),
    pwrite: (fd, bytes, length, offset) => answer(pwrite(fd, bytes, length, offset)),
    pread: (fd, into, length, offset) => answer(pread(fd, into, length, offset)),
    read: (fd, into, length) => answer(read(fd, addressOf(into), length)),
    write: (fd, bytes, length) => answer(write(fd, bytes, length)),
    writev: (fd, iovecs, count) => answer(writev(fd, iovecs, count)),
    open: (path, flags) => answer(open(path, flags)),
    close: (fd) => answer(close(fd)),
    pipe2: (fds, flags) => answer(pipe2(fds, flags)),
    eventfd: (initial, flags) => answer(eventfd(initial, flags)),
    mmap: (address, length, prot, flags, fd, offset) =>
      answer(mmap(address, length, prot, flags, fd, offset)),
    munmap: (address, length) => answer(munmap(address, length)),
    madvise: (address, length, advice) => answer(madvise(address, length, advice)),
    memcpy: (into, address, length) => void memcpy(into, address, length),
    userfaultfd: (flags) => {
      const number = __NR_userfaultfd[process.arch];
      return number === undefined ? -ENOSYS : answer(syscall(number, flags));
    },
    ioctl: (fd, request, argument) =>
      answer(ioctl(fd, request, typeof argument === "number" ? argument : addressOf(argument))),
    poll: (fds, count, milliseconds) => answer(poll(addressOf(fds), count, milliseconds)),
    sched_yield: () => answer(sched_yield()),
    sched_getcpu: () => answer(sched_getcpu()),
    sched_getaffinity: (mask) => answer(sched_getaffinity(0, mask.byteLength, addressOf(mask))),
    sched_setaffinity: (mask) => answer(sched_setaffinity(0, mask.byteLength, addressOf(mask))),
    getrusage: (who, into) => answer(getrusage(who, into)),
    clock_gettime: (clock, into) => answer(clock_gettime(clock, into)),
    pageSize: () => sysconf(_SC_PAGESIZE),
    view: (address, length) => new Uint8Array(koffi.view(address, length)),
  };
}
