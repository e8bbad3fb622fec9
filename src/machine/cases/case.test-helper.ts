/**
 * One case for both kernels: a program that uses a Machine and answers plain data, and what that has to be.
 *
 * Errnos are answered by name, pages by their index in their mapping: addresses and descriptors differ from kernel to kernel.
 */
import {
  EAGAIN,
  errnoName,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  MAP_ANONYMOUS,
  MAP_PRIVATE,
  MAP_SHARED,
  MessageBuffer,
  O_CLOEXEC,
  O_NONBLOCK,
  PROT_READ,
  PROT_WRITE,
  UFFD_EVENT,
  UFFD_PAGEFAULT_FLAG_MINOR,
  UFFD_PAGEFAULT_FLAG_WP,
  UFFD_PAGEFAULT_FLAG_WRITE,
  UFFDIO_REGISTER_MODE_MINOR,
  UFFDIO_REGISTER_MODE_MISSING,
} from "../../abi/index.js";
import { type Machine, type Thread, Userfaultfd } from "../index.js";

export interface Case {
  readonly name: string;
  run(program: Program): unknown;
  /** What the running kernel answers. */
  readonly expect: unknown;
  /** It uses Program.asleep() or sleeping(), which the kernel compiled without generators cannot answer and go on. */
  readonly sleeps?: true;
}

export const MISSING = UFFDIO_REGISTER_MODE_MISSING;
export const MINOR = UFFDIO_REGISTER_MODE_MINOR;
export const RW = PROT_READ | PROT_WRITE;

/** An address that no mapping gets. */
export const NOTHING_THERE = 0x10000;

/** How long a thread of the running kernel may neither finish nor raise a message before it counts as blocked. */
const BLOCKED_MS = 100;
/** How long is waited for what must happen. */
const LIMIT_MS = 10_000;

/** "ok" for 0, the name of an errno, or the number. */
export function named(result: number): string | number {
  if (result < 0) return errnoName(result);
  return result === 0 ? "ok" : result;
}

/** What a page that was cached by file() holds in every byte. */
export const cachedByte = (page: number): number => page + 1;
/** What a page of source() holds in every byte. */
export const sourceByte = (page: number): number => 0xa0 + page;
/** What a writing thread stores in the first byte of a page. */
export const writtenByte = (page: number): number => 0x50 + page;

export class Mapping {
  constructor(
    readonly address: number,
    readonly pages: number,
    readonly pageSize: number,
  ) {}
  /** The address of a page. */
  at(page: number): number {
    return this.address + page * this.pageSize;
  }
}

/** A read or a write is a load or store of the thread; a system call reads, and answers EFAULT instead of a signal. */
export type Access = "read" | "write" | "system call";

/** A thread at work. */
export interface Touching {
  readonly thread: Thread;
  readonly pages: readonly number[];
  readonly access: Access;
  readonly bytes: Uint8Array;
}

export interface Message {
  /** "MINOR write 3": the kind, the access, and the page of the mapping; with "+5" where the address is inside the page. */
  readonly text: string;
  readonly page: number;
  readonly threadId: number;
}

/** What a thread has done: how its accesses ended, what they saw, and what messages there were meanwhile. */
export interface Done {
  readonly result: string | number;
  /** By the pages touched, where they were read. */
  readonly saw?: readonly number[];
  readonly messages?: readonly string[];
}

export class Program {
  readonly size: number;
  /** A thread was asked for being asleep. */
  hasSlept = false;
  /** Initialized, and never registered: serving it waits for a thread without reading anybody's messages. */
  readonly #nobody: Userfaultfd;
  readonly #idle: Thread[] = [];

  constructor(readonly machine: Machine) {
    this.size = machine.pageSize;
    this.#nobody = new Userfaultfd(machine, machine.userfaultfd(O_CLOEXEC | O_NONBLOCK));
    demand(this.#nobody.api(0), "UFFDIO_API");
  }

  // Files and memory.

  /** A memfd of some pages, of which those named are in the page cache: see cachedByte(). */
  file(pages: number, cached: readonly number[] = []): number {
    const fd = demand(this.machine.memfdCreate("case"), "memfd_create");
    demand(this.machine.ftruncate(fd, pages * this.size), "ftruncate");
    for (const page of cached) this.writeFile(fd, page, cachedByte(page));
    return fd;
  }

  /** Fills a page of a file by pwrite(). */
  writeFile(fd: number, page: number, byte: number): string | number {
    return named(this.machine.pwrite(fd, new Uint8Array(this.size).fill(byte), page * this.size));
  }

  /** A page of a file by pread(): see runs(). */
  readFile(fd: number, page: number): number | string {
    const bytes = new Uint8Array(this.size).fill(0xee);
    const length = this.machine.pread(fd, bytes, page * this.size);
    return length < 0 ? errnoName(length) : runs(bytes.subarray(0, length));
  }

  map(fd: number, pages: number, flags: number = MAP_SHARED, prot = RW, firstPage = 0): Mapping {
    const { size } = this;
    const address = this.machine.mmap(pages * size, prot, flags, fd, firstPage * size);
    return new Mapping(demand(address, "mmap"), pages, size);
  }

  anonymous(pages: number, flags: number = MAP_PRIVATE, prot = RW): Mapping {
    return this.map(-1, pages, flags | MAP_ANONYMOUS, prot);
  }

  /** Memory to copy from, see sourceByte(). None of it is in the page table yet. */
  source(pages: number): Mapping {
    const fd = this.file(pages);
    for (let page = 0; page < pages; page++) this.writeFile(fd, page, sourceByte(page));
    return this.map(fd, pages);
  }

  /** A page as the control thread sees it: see runs(). It must not be registered. */
  readMemory(mapping: Mapping, page: number): number | string {
    const bytes = new Uint8Array(this.size);
    this.machine.readMemory(mapping.at(page), bytes);
    return runs(bytes);
  }

  /** Takes the faults of pages that are not registered. */
  populate(mapping: Mapping, pages: readonly number[]): void {
    for (const page of pages) this.readMemory(mapping, page);
  }

  punch(fd: number, page: number, pages = 1): string | number {
    const mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    return named(this.machine.fallocate(fd, mode, page * this.size, pages * this.size));
  }

  truncate(fd: number, pages: number): string | number {
    return named(this.machine.ftruncate(fd, pages * this.size));
  }

  madvise(mapping: Mapping, page: number, pages: number, advice: number): string | number {
    return named(this.machine.madvise(mapping.at(page), pages * this.size, advice));
  }

  munmap(mapping: Mapping, page: number, pages: number): string | number {
    return named(this.machine.munmap(mapping.at(page), pages * this.size));
  }

  // userfaultfd.

  /** One that is past UFFDIO_API. */
  userfaultfd(features = 0, flags = 0): Uffd {
    const uffd = this.newUserfaultfd(flags);
    demand(uffd.call.api(features), "UFFDIO_API");
    return uffd;
  }

  newUserfaultfd(flags = 0): Uffd {
    const fd = this.machine.userfaultfd(O_CLOEXEC | O_NONBLOCK | flags);
    return new Uffd(new Userfaultfd(this.machine, demand(fd, "userfaultfd")), this.size);
  }

  // Threads.

  /** Starts touching. `offset` bytes into each page. */
  start(mapping: Mapping, pages: readonly number[], access: Access, offset = 0): Touching {
    const thread = this.#idle.pop() ?? this.machine.thread();
    const bytes = new Uint8Array(new SharedArrayBuffer(Math.max(...pages) + 1));
    if (access === "write") for (const page of pages) bytes[page] = writtenByte(page);
    thread.touch({
      address: mapping.address + offset,
      order: Uint32Array.from(pages),
      access: access === "write" ? "write" : "read",
      bytes,
      throughSystemCall: access === "system call",
    });
    return { thread, pages, access, bytes };
  }

  /** Waits for a thread that must finish by itself. Nobody's messages are read. */
  finish(touching: Touching): Done {
    if (this.#serveNobody(touching, LIMIT_MS) === "stuck") throw new Error("the thread does not finish");
    return this.#done(touching);
  }

  /** Starts touching, and hands every message to `answer` until the thread has finished. */
  serve(
    uffd: Uffd,
    mapping: Mapping,
    pages: readonly number[],
    access: Access,
    answer: (message: Message) => void = () => {},
  ): Done {
    return this.serveStarted(uffd, mapping, this.start(mapping, pages, access), answer);
  }

  serveStarted(
    uffd: Uffd,
    mapping: Mapping,
    touching: Touching,
    answer: (message: Message) => void = () => {},
  ): Done {
    const messages: string[] = [];
    const end = this.machine.serve(uffd.fd, touching.thread, LIMIT_MS, () => {
      const message = uffd.readOne(mapping);
      if (message === null) return;
      messages.push(message.text);
      answer(message);
    });
    if (end === "stuck") throw new Error(`the thread is stuck after ${JSON.stringify(messages)}`);
    return { ...this.#done(touching), messages };
  }

  /** Touches pages that raise no message. */
  touch(mapping: Mapping, pages: readonly number[], access: Access): Done {
    return this.finish(this.start(mapping, pages, access));
  }

  /**
   * Waits until a thread has raised a message, which is read, and sleeps. "finished" if it does not. With several threads at work
   * the messages come in any order: asked for each of them, this answers each of theirs.
   */
  sleeping(uffd: Uffd, mapping: Mapping, touching: Touching): Message | "finished" {
    this.hasSlept = true;
    for (let waited = 0; uffd.unanswered.length === 0; waited += BLOCKED_MS) {
      if (waited > LIMIT_MS) throw new Error("a thread neither raises a message nor finishes");
      const end = this.machine.serve(uffd.fd, touching.thread, BLOCKED_MS, () => {
        const message = uffd.readOne(mapping);
        if (message !== null) uffd.unanswered.push(message);
      });
      if (end === "finished" && uffd.unanswered.length === 0) return end;
    }
    return uffd.unanswered.shift()!;
  }

  /** Whether a thread is blocked. Nobody's messages are read. */
  asleep(touching: Touching): boolean {
    this.hasSlept = true;
    return this.#serveNobody(touching, BLOCKED_MS) === "stuck";
  }

  /** Whether a thread is asleep as before: woken in between, it would have raised a message more. */
  stillAsleep(uffd: Uffd, touching: Touching): boolean {
    return this.asleep(touching) && uffd.call.read(new MessageBuffer(1)) === -EAGAIN;
  }

  #serveNobody(touching: Touching, milliseconds: number): "finished" | "stuck" {
    return this.machine.serve(this.#nobody.fd, touching.thread, milliseconds, () => {});
  }

  #done({ thread, pages, access, bytes }: Touching): Done {
    const result = named(thread.join().result);
    this.#idle.push(thread);
    return access === "write" ? { result } : { result, saw: pages.map((page) => bytes[page]!) };
  }
}

const UNTOUCHED = 0x7777;

/** A userfaultfd, by pages of mappings. A fill answers result and out field: "EAGAIN 8192", "EINVAL untouched". */
export class Uffd {
  /** Messages that Program.sleeping() has read and not answered yet. */
  readonly unanswered: Message[] = [];
  readonly #one = new MessageBuffer(1);

  constructor(
    readonly call: Userfaultfd,
    readonly size: number,
  ) {}

  get fd(): number {
    return this.call.fd;
  }

  register(mapping: Mapping, mode: number, page = 0, pages = mapping.pages - page): string | number {
    return named(this.call.register(mapping.at(page), pages * this.size, mode));
  }
  unregister(mapping: Mapping, page = 0, pages = mapping.pages - page): string | number {
    return named(this.call.unregister(mapping.at(page), pages * this.size));
  }
  wake(mapping: Mapping, page: number, pages = 1): string | number {
    return named(this.call.wake(mapping.at(page), pages * this.size));
  }

  /** From the page of the same index, or from an address. */
  copy(mapping: Mapping, page: number, source: Mapping | number, pages = 1, mode = 0): string {
    const from = typeof source === "number" ? source : source.at(page);
    return this.copyBytes(mapping.at(page), from, pages * this.size, mode);
  }
  zeropage(mapping: Mapping, page: number, pages = 1, mode = 0): string {
    return this.zeropageBytes(mapping.at(page), pages * this.size, mode);
  }
  continue(mapping: Mapping, page: number, pages = 1, mode = 0): string {
    return this.continueBytes(mapping.at(page), pages * this.size, mode);
  }

  copyBytes(dst: number, src: number, len: number, mode = 0): string {
    this.call.copied = UNTOUCHED;
    const result = this.call.copy(dst, src, len, mode);
    return `${named(result)} ${outField(this.call.copied)}`;
  }
  zeropageBytes(start: number, len: number, mode = 0): string {
    this.call.zeroed = UNTOUCHED;
    const result = this.call.zeropage(start, len, mode);
    return `${named(result)} ${outField(this.call.zeroed)}`;
  }
  continueBytes(start: number, len: number, mode = 0): string {
    this.call.mapped = UNTOUCHED;
    const result = this.call.continue(start, len, mode);
    return `${named(result)} ${outField(this.call.mapped)}`;
  }

  /** The next message, or null. */
  readOne(mapping: Mapping): Message | null {
    return this.call.read(this.#one) > 0 ? messageOf(this.#one, 0, mapping) : null;
  }

  /** The messages of one read(), or the errno's name. */
  read(mapping: Mapping, capacity = 8): string | number | string[] {
    const buffer = new MessageBuffer(capacity);
    const count = this.call.read(buffer);
    if (count < 0) return named(count);
    return Array.from({ length: count }, (_, message) => messageOf(buffer, message, mapping).text);
  }

  close(): string | number {
    return named(this.call.close());
  }
}

function outField(value: number): string | number {
  if (value === UNTOUCHED) return "untouched";
  return value < 0 ? errnoName(value) : value;
}

function messageOf(buffer: MessageBuffer, message: number, mapping: Mapping): Message {
  if (buffer.event(message) !== UFFD_EVENT.PAGEFAULT) throw new Error(`event ${buffer.event(message)}`);
  const flags = buffer.flags(message);
  const known = UFFD_PAGEFAULT_FLAG_WRITE | UFFD_PAGEFAULT_FLAG_WP | UFFD_PAGEFAULT_FLAG_MINOR;
  if (flags & ~known) throw new Error(`flags ${flags}`);
  const kind =
    flags & UFFD_PAGEFAULT_FLAG_WP ? "WP" : flags & UFFD_PAGEFAULT_FLAG_MINOR ? "MINOR" : "MISSING";
  const access = flags & UFFD_PAGEFAULT_FLAG_WRITE ? "write" : "read";
  const at = buffer.address(message) - mapping.address;
  const page = Math.floor(at / mapping.pageSize);
  const within = at % mapping.pageSize;
  return {
    text: `${kind} ${access} ${page}${within ? `+${within}` : ""}`,
    page,
    threadId: buffer.threadId(message),
  };
}

/** Bytes in short: the number where they are a whole page of one, else "3 100*0 5": runs in order. "nothing" where there are none. */
export function runs(bytes: Uint8Array): number | string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const byte = bytes[at]!;
    let end = at + 1;
    while (end < bytes.length && bytes[end] === byte) end++;
    if (at === 0 && end === bytes.length && end > 1) return byte;
    parts.push(end - at === 1 ? String(byte) : `${end - at}*${byte}`);
    at = end;
  }
  return parts.join(" ") || "nothing";
}

function demand(result: number, call: string): number {
  if (result < 0) throw new Error(`${call}: ${errnoName(result)}`);
  return result;
}
