/**
 * What the memory holds, and what it must hold afterwards.
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { UFFDIO_REGISTER_MODE_MINOR, UFFDIO_REGISTER_MODE_MISSING } from "../abi/index.js";
import type { Access } from "../machine/index.js";
import type { Scenario, Sharing } from "./scenarios.js";

/** A user's mistake: one line for a person. */
export class UsageError extends Error {}

export const DEFAULT_BYTES = 64 * 1024 * 1024;

/** The executable kernel holds three times as much, in one array, of which Node 20 allows 4 GiB. */
const MAX_BYTES = 1024 * 1024 * 1024;

/**
 * The first bytes of a file. `bytes` is a whole number of pages, or undefined: 64 MiB, or all whole pages of a shorter file.
 * Throws UsageError.
 */
export function readContent(file: string, bytes: number | undefined, pageSize: number): Uint8Array {
  if (bytes !== undefined && (!Number.isSafeInteger(bytes) || bytes <= 0 || bytes % pageSize !== 0)) {
    throw new UsageError(
      `--bytes is ${bytes}, which is no number of pages: give a multiple of ${pageSize} above 0, such as ${DEFAULT_BYTES}`,
    );
  }
  if (bytes !== undefined && bytes > MAX_BYTES) {
    throw new UsageError(`--bytes is ${bytes}: give ${MAX_BYTES} at most`);
  }
  let fd: number;
  try {
    fd = openSync(file, "r");
  } catch (error) {
    throw new UsageError(`--memory ${file} cannot be read (${reason(error)}): give a file that you may read`);
  }
  try {
    const { size } = fstatSync(fd);
    const wanted = bytes ?? Math.min(DEFAULT_BYTES, size - (size % pageSize));
    if (wanted === 0) {
      throw new UsageError(
        `--memory ${file} has ${size} bytes, less than one page: give a file of at least ${pageSize} bytes`,
      );
    }
    if (size < wanted) {
      throw new UsageError(
        `--memory ${file} has ${size} bytes, and --bytes asks for ${wanted}: give a larger file, or fewer bytes`,
      );
    }
    const content = new Uint8Array(wanted);
    for (let at = 0; at < wanted; ) {
      const read = readSync(fd, content, at, wanted - at, at);
      if (read === 0)
        throw new UsageError(`--memory ${file} ends at ${at} bytes: give a file that is not being changed`);
      at += read;
    }
    return content;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`--memory ${file} cannot be read (${reason(error)}): give a regular file`);
  } finally {
    closeSync(fd);
  }
}

function reason(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}

export function isCached(scenario: Scenario, page: number): boolean {
  return scenario.cached === "all" || (scenario.cached === "every second" && page % 2 === 0);
}

/** Whether an absent page is filled by COPY. If not, the kernel makes one of zeros. */
export function isCopied(scenario: Scenario): boolean {
  return (scenario.mode & UFFDIO_REGISTER_MODE_MISSING) !== 0 && scenario.cached !== "all";
}

/** What a scenario's memory and file must hold after a round: the same on every machine. */
export class Expected {
  /** The memory, as its mapping shows it. */
  readonly memory: Uint8Array;
  /** The file of a private mapping, which must not see what was stored or copied; null for a shared one, which is the memory. */
  readonly file: Uint8Array | null;
  /** Messages that a round over all pages raises. */
  readonly missingMessages: number;
  readonly minorMessages: number;
  /** By page: what a write stores in its first byte in this round, or a read must see there. */
  readonly touched: Uint8Array;

  constructor(
    readonly scenario: Scenario,
    readonly access: Access,
    sharing: Sharing,
    readonly content: Uint8Array,
    readonly pageSize: number,
    /** As large as the content, to read into: kept from scenario to scenario. */
    readonly scratch: Uint8Array,
  ) {
    const cached = scenario.cached === "all" ? content : cachedContent(scenario, content, pageSize);
    const memory = isCopied(scenario) ? content : cached;
    // A write changes what the memory must hold.
    this.memory = access === "write" ? new Uint8Array(memory) : memory;
    this.file = sharing === "private" ? cached : null;
    const pages = content.length / pageSize;
    this.touched = new Uint8Array(pages);
    const cachedPages = Array.from(this.touched.keys()).filter((page) => isCached(scenario, page)).length;
    this.missingMessages = scenario.mode & UFFDIO_REGISTER_MODE_MISSING ? pages - cachedPages : 0;
    this.minorMessages = scenario.mode & UFFDIO_REGISTER_MODE_MINOR ? cachedPages : 0;
  }

  /** For the next round on some machine. A write stores what is not in the page yet: one that is lost is seen. */
  prepare(step: number): void {
    const { content, pageSize, memory, touched } = this;
    for (let page = 0; page < touched.length; page++) {
      if (this.access === "write")
        memory[page * pageSize] = content[page * pageSize]! + 1 + ((page + step) % 255);
      touched[page] = memory[page * pageSize]!;
    }
  }
}

function cachedContent(scenario: Scenario, content: Uint8Array, pageSize: number): Uint8Array {
  const cached = new Uint8Array(content.length);
  for (let at = 0; at < content.length; at += pageSize) {
    if (isCached(scenario, at / pageSize)) cached.set(content.subarray(at, at + pageSize), at);
  }
  return cached;
}
