/**
 * A process: an address space, descriptors, and the system calls. They are generators, and each takes the task that makes it.
 * The result is 0 or more, or minus an errno.
 */
import {
  EACCES,
  EBADF,
  EFAULT,
  EINVAL,
  ENODEV,
  ENOMEM,
  ENOTTY,
  EOPNOTSUPP,
  EOVERFLOW,
  ESPIPE,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  MADV_DONTNEED,
  MADV_NOHUGEPAGE,
  MAP_ANONYMOUS,
  MAP_POPULATE,
  MAP_PRIVATE,
  MAP_SHARED_VALIDATE,
  type MessageBuffer,
  O_CLOEXEC,
  O_NONBLOCK,
  PROT_READ,
  PROT_WRITE,
  TASK_SIZE,
  UFFD_USER_MODE_ONLY,
} from "../abi/index.js";
import { type AccessKind, doUserAddrFault } from "./fault/do-user-addr-fault.js";
import { shmemFileRead, shmemFileWrite, shmemPunchHole, shmemTruncate } from "./files/shmem.js";
import type { Kernel } from "./kernel.js";
import {
  type CopyFromUser,
  type Folio,
  Inode,
  type Mm,
  VM_MAYWRITE,
  VM_READ,
  VM_SHARED,
  VM_WRITE,
  Vma,
  vmaStartWrite,
} from "./memory/index.js";
import type { Stoppable, Task } from "./tasks/index.js";
import {
  UserfaultfdContext,
  userfaultfdIoctl,
  userfaultfdRead,
  userfaultfdRelease,
} from "./userfaultfd/index.js";

type OpenFile = Inode | UserfaultfdContext;

/** Where mappings begin. */
const MMAP_BASE = 0x10000000;

export class Process implements CopyFromUser {
  readonly mm: Mm;
  readonly #files: (OpenFile | undefined)[] = [];

  constructor(readonly kernel: Kernel) {
    this.mm = kernel.newMm();
  }

  // Descriptors.

  #open(file: OpenFile): number {
    const free = this.#files.indexOf(undefined);
    const fd = free === -1 ? this.#files.length : free;
    this.#files[fd] = file;
    return fd;
  }

  inode(fd: number): Inode | null {
    const file = this.#files[fd];
    return file instanceof Inode ? file : null;
  }

  userfaultfdContext(fd: number): UserfaultfdContext | null {
    const file = this.#files[fd];
    return file instanceof UserfaultfdContext ? file : null;
  }

  /** Descriptors that are open. */
  get descriptors(): number[] {
    return [...this.#files.keys()].filter((fd) => this.#files[fd] !== undefined);
  }

  *close(current: Task, fd: number): Stoppable<number> {
    const file = this.#files[fd];
    if (file === undefined) return -EBADF;
    this.#files[fd] = undefined;
    if (file instanceof UserfaultfdContext) {
      file.closed = true;
      if (file.users === 0) yield* userfaultfdRelease(current, file);
    } else {
      file.open = false;
      yield* this.#put(current, file);
    }
    return 0;
  }

  /** iput(): the file ends with its last user, and its pages are freed. */
  *#put(current: Task, inode: Inode): Stoppable<void> {
    if (inode.open || inode.mapping.vmas.size > 0) return;
    yield* shmemTruncate(current, this.kernel.memory, inode, 0);
  }

  // Files.

  memfdCreate(): number {
    return this.#open(new Inode(this.kernel.shmem));
  }

  *ftruncate(current: Task, fd: number, bytes: number): Stoppable<number> {
    if (bytes < 0) return -EINVAL;
    const inode = this.inode(fd);
    if (inode === null) return this.#files[fd] === undefined ? -EBADF : -EINVAL;
    yield* shmemTruncate(current, this.kernel.memory, inode, bytes);
    return 0;
  }

  /** FALLOC_FL_PUNCH_HOLE alone is offered. */
  *fallocate(current: Task, fd: number, mode: number, offset: number, length: number): Stoppable<number> {
    if (this.#files[fd] === undefined) return -EBADF;
    if (offset < 0 || length <= 0) return -EINVAL;
    if (mode !== (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)) return -EOPNOTSUPP;
    const inode = this.inode(fd);
    // A userfaultfd is open for reading alone.
    if (inode === null) return -EBADF;
    yield* shmemPunchHole(current, this.kernel.memory, inode, offset, length);
    return 0;
  }

  *pwrite(current: Task, fd: number, bytes: Uint8Array, offset: number): Stoppable<number> {
    if (offset < 0) return -EINVAL;
    const inode = this.inode(fd);
    if (inode === null) return this.#files[fd] === undefined ? -EBADF : -ESPIPE;
    return yield* shmemFileWrite(current, this.kernel.memory, inode, bytes, offset);
  }

  *pread(current: Task, fd: number, into: Uint8Array, offset: number): Stoppable<number> {
    if (offset < 0) return -EINVAL;
    const inode = this.inode(fd);
    if (inode === null) return this.#files[fd] === undefined ? -EBADF : -ESPIPE;
    return yield* shmemFileRead(current, this.kernel.memory, inode, into, offset);
  }

  // Mappings.

  *mmap(
    current: Task,
    length: number,
    prot: number,
    flags: number,
    fd: number,
    offset: number,
  ): Stoppable<number> {
    const { mm } = this;
    const anonymous = (flags & MAP_ANONYMOUS) !== 0;
    const type = flags & MAP_SHARED_VALIDATE;
    const shared = type !== MAP_PRIVATE;
    if (offset % mm.pageSize !== 0) return -EINVAL;
    if (!anonymous && this.#files[fd] === undefined) return -EBADF;
    if (length === 0) return -EINVAL;
    if (length < 0 || length > TASK_SIZE) return -ENOMEM;
    if (!anonymous && offset < 0) return -EOVERFLOW;
    if (type === 0 || (anonymous && type === MAP_SHARED_VALIDATE)) return -EINVAL;
    let inode: Inode | null = null;
    if (!anonymous) {
      inode = this.inode(fd);
      // A userfaultfd is open for reading alone, and cannot be mapped.
      if (inode === null) return shared && prot & PROT_WRITE ? -EACCES : -ENODEV;
    } else if (shared) {
      // shmem_zero_setup(): shared anonymous memory is a file without a name.
      inode = new Inode(this.kernel.shmem);
      inode.size = length;
      inode.open = false;
    }
    const bytes = Math.ceil(length / mm.pageSize) * mm.pageSize;

    while (!mm.mmapLock.writeLock(current)) yield;
    const start = this.#unmappedArea(bytes);
    if (start + bytes > TASK_SIZE) {
      mm.mmapWriteUnlock(current);
      return -ENOMEM;
    }
    const vma = new Vma(
      mm,
      start,
      start + bytes,
      (prot & PROT_READ ? VM_READ : 0) |
        (prot & PROT_WRITE ? VM_WRITE : 0) |
        (shared ? VM_SHARED : 0) |
        VM_MAYWRITE,
      inode,
      offset / mm.pageSize,
    );
    mm.link(vma);
    mm.mmapWriteUnlock(current);
    if (flags & MAP_POPULATE) {
      for (let at = start; at < vma.end; at += mm.pageSize) {
        if ((yield* this.access(current, at, (prot & PROT_WRITE) !== 0, "kernel")) < 0) break;
      }
    }
    return start;
  }

  /** get_unmapped_area(): the lowest place, a page away from its neighbours, so that two mappings never merge by accident. */
  #unmappedArea(bytes: number): number {
    let start = MMAP_BASE;
    for (const vma of this.mm.vmasIn(MMAP_BASE, TASK_SIZE)) {
      if (start + bytes + this.mm.pageSize <= vma.start) break;
      start = vma.end + this.mm.pageSize;
    }
    return start;
  }

  *munmap(current: Task, address: number, length: number): Stoppable<number> {
    const { mm } = this;
    if (address % mm.pageSize !== 0 || length <= 0 || address + length > TASK_SIZE) return -EINVAL;
    const end = address + Math.ceil(length / mm.pageSize) * mm.pageSize;
    while (!mm.mmapLock.writeLock(current)) yield;
    for (const vma of mm.vmasIn(address, end)) {
      const part = yield* mm.isolate(current, vma, address, end);
      yield* vmaStartWrite(current, part);
      mm.unlink(part);
      yield* mm.zap(current, part.start, part.end, true);
      if (part.inode !== null) yield* this.#put(current, part.inode);
    }
    mm.mmapWriteUnlock(current);
    return 0;
  }

  *madvise(current: Task, address: number, length: number, advice: number): Stoppable<number> {
    const { mm } = this;
    if (advice !== MADV_DONTNEED && advice !== MADV_NOHUGEPAGE) return -EINVAL;
    if (address % mm.pageSize !== 0 || length < 0) return -EINVAL;
    const end = address + Math.ceil(length / mm.pageSize) * mm.pageSize;
    while (!mm.mmapLock.readLock(current)) yield;
    let mapped = address;
    let unmappedError = 0;
    for (const vma of mm.vmasIn(address, end)) {
      if (vma.start > mapped) unmappedError = -ENOMEM;
      const start = Math.max(vma.start, address);
      mapped = Math.min(vma.end, end);
      // No page is a huge one.
      if (advice === MADV_DONTNEED) yield* mm.zap(current, start, mapped, true);
    }
    mm.mmapLock.readUnlock();
    // A hole in the range is an error, after all that is mapped has been done.
    return mapped < end ? -ENOMEM : unmappedError;
  }

  // Memory.

  /**
   * One access of the program ("user") or of the kernel on its behalf: where the byte is in physical memory, or minus what came
   * instead: the signal for a program, EFAULT for the kernel. Blocks in userfaultfd.
   */
  *access(current: Task, address: number, write: boolean, kind: AccessKind): Stoppable<number> {
    const { mm } = this;
    for (;;) {
      while (current.stops(mm, write ? "write" : "read")) yield;
      const at = mm.translate(address, write);
      if (at >= 0) return at;
      const error = yield* doUserAddrFault(this.kernel.faultPath, current, mm, address, write, kind);
      if (error) return kind === "user" ? -error : error;
    }
  }

  // CopyFromUser: the source of a COPY.

  inatomic(source: number, folio: Folio): boolean {
    const { mm } = this;
    const { memory } = this.kernel;
    const to = folio.pfn * memory.pageSize;
    // An unaligned source crosses a page boundary.
    for (let done = 0; done < mm.pageSize; ) {
      const length = Math.min(mm.pageSize - done, mm.pageSize - ((source + done) % mm.pageSize));
      const from = mm.translate(source + done, false);
      if (from < 0) return false;
      memory.bytes.copyWithin(to + done, from, from + length);
      done += length;
    }
    return true;
  }

  *faulting(current: Task, source: number, folio: Folio): Stoppable<number> {
    while (!this.inatomic(source, folio)) {
      for (const address of [source, source + this.mm.pageSize - 1]) {
        if ((yield* this.access(current, address, false, "kernel")) < 0) return -EFAULT;
      }
    }
    return 0;
  }

  // userfaultfd.

  userfaultfd(flags: number): number {
    if (flags & ~(O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY)) return -EINVAL;
    return this.#open(new UserfaultfdContext(this.mm, flags));
  }

  *ioctl(current: Task, fd: number, request: number, argument: DataView): Stoppable<number> {
    const ctx = this.userfaultfdContext(fd);
    if (ctx === null) return this.#files[fd] === undefined ? -EBADF : -ENOTTY;
    ctx.users++;
    const result = yield* userfaultfdIoctl(current, ctx, request, argument, this);
    yield* this.#leave(current, ctx);
    return result;
  }

  *read(current: Task, fd: number, messages: MessageBuffer): Stoppable<number> {
    const ctx = this.userfaultfdContext(fd);
    if (ctx === null) return -EBADF;
    ctx.users++;
    const result = yield* userfaultfdRead(current, ctx, messages);
    yield* this.#leave(current, ctx);
    return result;
  }

  /** fput(): a call that was inside when the descriptor was closed releases the userfaultfd when it leaves. */
  *#leave(current: Task, ctx: UserfaultfdContext): Stoppable<void> {
    if (--ctx.users === 0 && ctx.closed) yield* userfaultfdRelease(current, ctx);
  }
}
