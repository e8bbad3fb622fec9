/** Which faults raise which messages, and what the thread sees in the end. */
import {
  MADV_DONTNEED,
  MAP_POPULATE,
  MAP_PRIVATE,
  MAP_SHARED,
  PROT_NONE,
  PROT_READ,
} from "../../abi/index.js";
import { type Access, type Case, MINOR, MISSING, type Program } from "./case.test-helper.js";

const SHARING = [
  ["shared", MAP_SHARED],
  ["private", MAP_PRIVATE],
] as const;

/** A case for each sharing and access. */
function each(
  name: string,
  accesses: readonly Access[],
  run: (program: Program, flags: number, access: Access) => unknown,
  expect: (flags: number, access: Access) => unknown,
): Case[] {
  return SHARING.flatMap(([sharing, flags]) =>
    accesses.map((access) => ({
      name: `${name}: ${sharing}, ${access}`,
      run: (program: Program) => run(program, flags, access),
      expect: expect(flags, access),
    })),
  );
}

const ALL: readonly Access[] = ["read", "write", "system call"];
const word = (access: Access) => (access === "write" ? "write" : "read");

/** A page after it was touched: what a write stored in front of what was there. */
const after = (access: Access, page: number, byte: number) =>
  access === "write" ? `${0x50 + page} 4095*${byte}` : byte;

export const faultCases: readonly Case[] = [
  ...each(
    "MINOR, cached: a message for each page; CONTINUE",
    ALL,
    (program, flags, access) => {
      const fd = program.file(4, [0, 1, 2, 3]);
      const memory = program.map(fd, 4, flags);
      const uffd = program.userfaultfd();
      uffd.register(memory, MINOR);
      const done = program.serve(uffd, memory, [2, 0, 3], access, ({ page }) => {
        uffd.continue(memory, page);
      });
      uffd.close();
      return {
        done,
        file: [0, 1, 2, 3].map((page) => program.readFile(fd, page)),
        memory: [0, 1, 2, 3].map((page) => program.readMemory(memory, page)),
      };
    },
    (flags, access) => {
      const touched = [after(access, 0, 1), 2, after(access, 2, 3), after(access, 3, 4)];
      return {
        done: {
          result: "ok",
          ...(access === "write" ? {} : { saw: [3, 1, 4] }),
          messages: [2, 0, 3].map((page) => `MINOR ${word(access)} ${page}`),
        },
        file: flags === MAP_SHARED ? touched : [1, 2, 3, 4],
        memory: touched,
      };
    },
  ),
  ...each(
    "MISSING, absent: a message for each page; COPY or ZEROPAGE",
    ALL,
    (program, flags, access) => {
      const fd = program.file(4);
      const memory = program.map(fd, 4, flags);
      const source = program.source(4);
      const uffd = program.userfaultfd();
      uffd.register(memory, MISSING);
      const done = program.serve(uffd, memory, [2, 0, 3], access, ({ page }) => {
        if (page === 3) uffd.zeropage(memory, page);
        else uffd.copy(memory, page, source);
      });
      uffd.close();
      return {
        done,
        file: [0, 1, 2, 3].map((page) => program.readFile(fd, page)),
        memory: [0, 1, 2, 3].map((page) => program.readMemory(memory, page)),
      };
    },
    (flags, access) => {
      const touched = [after(access, 0, 0xa0), 0, after(access, 2, 0xa2), after(access, 3, 0)];
      return {
        done: {
          result: "ok",
          ...(access === "write" ? {} : { saw: [0xa2, 0xa0, 0] }),
          messages: [2, 0, 3].map((page) => `MISSING ${word(access)} ${page}`),
        },
        file: flags === MAP_SHARED ? touched : [0, 0, 0, 0],
        memory: touched,
      };
    },
  ),
  ...(["read", "write", "system call"] as const).map(
    (access): Case => ({
      name: `MISSING, anonymous: ${access}`,
      run(program) {
        const memory = program.anonymous(3);
        const source = program.source(3);
        const uffd = program.userfaultfd();
        uffd.register(memory, MISSING);
        const done = program.serve(uffd, memory, [2, 0, 2], access, ({ page }) => {
          if (page === 0) uffd.zeropage(memory, page);
          else uffd.copy(memory, page, source);
        });
        uffd.close();
        return { done, memory: [0, 1, 2].map((page) => program.readMemory(memory, page)) };
      },
      expect: {
        done: {
          result: "ok",
          ...(access === "write" ? {} : { saw: [0xa2, 0, 0xa2] }),
          messages: [`MISSING ${word(access)} 2`, `MISSING ${word(access)} 0`],
        },
        memory: [after(access, 0, 0), 0, after(access, 2, 0xa2)],
      },
    }),
  ),
  ...each(
    "MISSING and MINOR: each page its own kind of message",
    ALL,
    (program, flags, access) => {
      const memory = program.map(program.file(4, [1, 3]), 4, flags);
      const uffd = program.userfaultfd();
      uffd.register(memory, MISSING | MINOR);
      const fills: string[] = [];
      const { messages } = program.serve(uffd, memory, [0, 1, 2, 3], access, ({ page }) => {
        fills.push(page % 2 ? uffd.continue(memory, page) : uffd.zeropage(memory, page));
      });
      return { messages, fills };
    },
    (_, access) => ({
      messages: [0, 1, 2, 3].map((page) => `${page % 2 ? "MINOR" : "MISSING"} ${word(access)} ${page}`),
      fills: ["ok 4096", "ok 4096", "ok 4096", "ok 4096"],
    }),
  ),
  ...each(
    "MISSING alone, cached: mapped silently; COPY there is EEXIST",
    ALL,
    (program, flags, access) => {
      const memory = program.map(program.file(2, [0, 1]), 2, flags);
      const uffd = program.userfaultfd();
      uffd.register(memory, MISSING);
      const done = program.serve(uffd, memory, [1, 0], access);
      return { done, copy: uffd.copy(memory, 0, program.source(2)) };
    },
    (_, access) => ({
      done: { result: "ok", ...(access === "write" ? {} : { saw: [2, 1] }), messages: [] },
      copy: "EEXIST EEXIST",
    }),
  ),
  ...each(
    "MINOR alone, absent: a page of zeros, silently",
    ALL,
    (program, flags, access) => {
      const fd = program.file(2, [1]);
      const memory = program.map(fd, 2, flags);
      const uffd = program.userfaultfd();
      uffd.register(memory, MINOR);
      const done = program.serve(uffd, memory, [0], access);
      const continued = [uffd.continue(memory, 0), uffd.continue(memory, 1)];
      uffd.close();
      return { done, continued, file: program.readFile(fd, 0), memory: program.readMemory(memory, 0) };
    },
    (flags, access) => ({
      done: { result: "ok", ...(access === "write" ? {} : { saw: [0] }), messages: [] },
      continued: ["EEXIST EEXIST", "ok 4096"],
      file: flags === MAP_SHARED ? after(access, 0, 0) : 0,
      memory: after(access, 0, 0),
    }),
  ),
  ...each(
    "MISSING and MINOR, absent: the handler writes the file, then CONTINUE",
    ALL,
    (program, flags, access) => {
      const fd = program.file(2);
      const memory = program.map(fd, 2, flags);
      const uffd = program.userfaultfd();
      uffd.register(memory, MISSING | MINOR);
      const fills: unknown[] = [];
      const done = program.serve(uffd, memory, [1], access, ({ page }) => {
        fills.push(
          uffd.continue(memory, page),
          program.writeFile(fd, page, 0x33),
          uffd.continue(memory, page),
        );
      });
      uffd.close();
      return { done, fills, file: program.readFile(fd, 1), memory: program.readMemory(memory, 1) };
    },
    (flags, access) => ({
      done: {
        result: "ok",
        ...(access === "write" ? {} : { saw: [0x33] }),
        messages: [`MISSING ${word(access)} 1`],
      },
      fills: ["EFAULT EFAULT", 4096, "ok 4096"],
      file: flags === MAP_SHARED ? after(access, 1, 0x33) : 0x33,
      memory: after(access, 1, 0x33),
    }),
  ),
  ...each(
    "the handler changes the page by pwrite() before CONTINUE: the thread sees it",
    ["read"],
    (program, flags, access) => {
      const fd = program.file(1, [0]);
      const memory = program.map(fd, 1, flags);
      const uffd = program.userfaultfd();
      uffd.register(memory, MINOR);
      return program.serve(uffd, memory, [0], access, () => {
        program.writeFile(fd, 0, 0x44);
        uffd.continue(memory, 0);
      });
    },
    () => ({ result: "ok", saw: [0x44], messages: ["MINOR read 0"] }),
  ),
  {
    name: "a MINOR fault by COPY: EEXIST in shared memory, then CONTINUE; in a private mapping COPY takes the page's place",
    run(program) {
      const source = program.source(1);
      return SHARING.map(([, flags]) => {
        const fd = program.file(1, [0]);
        const memory = program.map(fd, 1, flags);
        const uffd = program.userfaultfd();
        uffd.register(memory, MINOR);
        const fills: string[] = [];
        const done = program.serve(uffd, memory, [0], "read", () => {
          fills.push(uffd.copy(memory, 0, source));
          if (flags === MAP_SHARED) fills.push(uffd.continue(memory, 0));
        });
        return { done, fills, file: program.readFile(fd, 0) };
      });
    },
    expect: [
      {
        done: { result: "ok", saw: [1], messages: ["MINOR read 0"] },
        fills: ["EEXIST EEXIST", "ok 4096"],
        file: 1,
      },
      { done: { result: "ok", saw: [0xa0], messages: ["MINOR read 0"] }, fills: ["ok 4096"], file: 1 },
    ],
  },
  ...each(
    "a continued page dropped by MADV_DONTNEED raises MINOR again",
    ["read", "write"],
    (program, flags, access) => {
      const fd = program.file(2, [0, 1]);
      const memory = program.map(fd, 2, flags);
      const uffd = program.userfaultfd();
      uffd.register(memory, MINOR);
      const touch = () =>
        program.serve(uffd, memory, [1], access, ({ page }) => {
          uffd.continue(memory, page);
        }).messages;
      const first = touch();
      const again = touch();
      const dropped = program.madvise(memory, 0, 2, MADV_DONTNEED);
      return { first, again, dropped, later: touch(), file: program.readFile(fd, 1) };
    },
    (flags, access) => ({
      first: [`MINOR ${access} 1`],
      again: [],
      dropped: "ok",
      later: [`MINOR ${access} 1`],
      file: flags === MAP_SHARED ? after(access, 1, 2) : 2,
    }),
  ),
  ...each(
    "punched while a MINOR fault sleeps: CONTINUE is EFAULT; after WAKE a page of zeros, silently",
    ["read", "write"],
    (program, flags, access) => {
      const fd = program.file(2, [0, 1]);
      const memory = program.map(fd, 2, flags);
      const uffd = program.userfaultfd();
      uffd.register(memory, MINOR);
      const calls: unknown[] = [];
      const done = program.serve(uffd, memory, [1], access, ({ page }) => {
        calls.push(program.punch(fd, page), uffd.continue(memory, page), uffd.wake(memory, page));
      });
      return { done, calls };
    },
    (_, access) => ({
      done: { result: "ok", ...(access === "write" ? {} : { saw: [0] }), messages: [`MINOR ${access} 1`] },
      calls: ["ok", "EFAULT EFAULT", "ok"],
    }),
  ),
  ...each(
    "punched while a fault of MISSING|MINOR sleeps: after WAKE it is MISSING",
    ["read", "write"],
    (program, flags, access) => {
      const fd = program.file(1, [0]);
      const memory = program.map(fd, 1, flags);
      const uffd = program.userfaultfd();
      uffd.register(memory, MISSING | MINOR);
      const calls: unknown[] = [];
      const { messages } = program.serve(uffd, memory, [0], access, ({ text }) => {
        if (text.startsWith("MINOR"))
          calls.push(program.punch(fd, 0), uffd.continue(memory, 0), uffd.wake(memory, 0));
        else calls.push(uffd.zeropage(memory, 0));
      });
      return { messages, calls };
    },
    (_, access) => ({
      messages: [`MINOR ${access} 0`, `MISSING ${access} 0`],
      calls: ["ok", "EFAULT EFAULT", "ok", "ok 4096"],
    }),
  ),
  ...each(
    "filled by pwrite() while a MISSING fault sleeps: COPY is EEXIST in shared memory; after WAKE it maps silently",
    ["read", "write"],
    (program, flags, access) => {
      const fd = program.file(1);
      const memory = program.map(fd, 1, flags);
      const uffd = program.userfaultfd();
      const source = program.source(1);
      uffd.register(memory, MISSING);
      const calls: unknown[] = [];
      const done = program.serve(uffd, memory, [0], access, () => {
        calls.push(program.writeFile(fd, 0, 0x33));
        if (flags === MAP_SHARED) calls.push(uffd.copy(memory, 0, source));
        calls.push(uffd.wake(memory, 0));
      });
      return { done, calls };
    },
    (flags, access) => ({
      done: {
        result: "ok",
        ...(access === "write" ? {} : { saw: [0x33] }),
        messages: [`MISSING ${access} 0`],
      },
      calls: flags === MAP_SHARED ? [4096, "EEXIST EEXIST", "ok"] : [4096, "ok"],
    }),
  ),
  ...each(
    "truncated while a MINOR fault sleeps: CONTINUE is EINVAL; after WAKE the access fails",
    ["system call"],
    (program, flags, access) => {
      const fd = program.file(2, [0, 1]);
      const memory = program.map(fd, 2, flags);
      const uffd = program.userfaultfd();
      uffd.register(memory, MINOR);
      const calls: unknown[] = [];
      const done = program.serve(uffd, memory, [0, 1], access, ({ page }) => {
        if (page === 1) calls.push(program.truncate(fd, 1));
        calls.push(uffd.continue(memory, page), uffd.wake(memory, page));
      });
      return { done, calls };
    },
    () => ({
      done: { result: "EFAULT", saw: [1, 0], messages: ["MINOR read 0", "MINOR read 1"] },
      calls: ["ok 4096", "ok", "ok", "EINVAL EINVAL", "ok"],
    }),
  ),
  ...(
    [
      ["nothing", 0],
      ["MINOR", MINOR],
      ["MISSING", MISSING],
      ["MISSING and MINOR", MISSING | MINOR],
    ] as const
  ).flatMap(([modes, mode]) =>
    each(
      `past the end of the file, registered ${modes}: EFAULT, no message`,
      ["system call"],
      (program, flags, access) => {
        const fd = program.file(2, [0, 1]);
        const memory = program.map(fd, 4, flags);
        const uffd = program.userfaultfd();
        if (mode) uffd.register(memory, mode);
        const source = program.source(4);
        const calls: unknown[] = [];
        const done = program.serve(uffd, memory, [2], access, ({ page }) => {
          calls.push(uffd.copy(memory, page, source), uffd.zeropage(memory, page));
          // Else it would raise the message again, and again.
          calls.push(uffd.unregister(memory), uffd.wake(memory, page));
        });
        return { done, calls };
      },
      () => ({ done: { result: "EFAULT", saw: [0], messages: [] }, calls: [] }),
    ),
  ),
  {
    name: "two mappings of one file: only the registered one raises messages",
    run(program) {
      const fd = program.file(2, [0]);
      const one = program.map(fd, 2);
      const other = program.map(fd, 2);
      const uffd = program.userfaultfd();
      uffd.register(one, MISSING | MINOR);
      const free = program.serve(uffd, other, [0, 1], "write");
      const done = program.serve(uffd, one, [0, 1], "read", ({ page }) => {
        uffd.continue(one, page);
      });
      return { free, done };
    },
    expect: {
      free: { result: "ok", messages: [] },
      done: { result: "ok", saw: [0x50, 0x51], messages: ["MINOR read 0", "MINOR read 1"] },
    },
  },
  {
    name: "two mappings of one file, both registered: COPY in one is MINOR in the other",
    run(program) {
      const fd = program.file(1);
      const one = program.map(fd, 1);
      const other = program.map(fd, 1);
      const uffd = program.userfaultfd();
      uffd.register(one, MISSING);
      uffd.register(other, MISSING | MINOR);
      const copied = uffd.copy(one, 0, program.source(1));
      const done = program.serve(uffd, other, [0], "write", ({ page }) => {
        uffd.continue(other, page);
      });
      return { copied, done, seen: program.touch(one, [0], "read").saw };
    },
    expect: {
      copied: "ok 4096",
      done: { result: "ok", messages: ["MINOR write 0"] },
      seen: [0x50],
    },
  },
  {
    name: "shared anonymous memory is a file: MISSING, then after MADV_DONTNEED MINOR",
    run(program) {
      const memory = program.anonymous(1, MAP_SHARED);
      const uffd = program.userfaultfd();
      uffd.register(memory, MISSING | MINOR);
      const touch = () =>
        program.serve(uffd, memory, [0], "write", ({ text }) => {
          if (text.startsWith("MINOR")) uffd.continue(memory, 0);
          else uffd.zeropage(memory, 0);
        }).messages;
      const first = touch();
      program.madvise(memory, 0, 1, MADV_DONTNEED);
      return { first, later: touch() };
    },
    expect: { first: ["MISSING write 0"], later: ["MINOR write 0"] },
  },
  {
    name: "a private mapping's own copy: dropped, it is MINOR again; punching leaves it, truncating takes it",
    run(program) {
      const fd = program.file(4, [0, 1, 2]);
      const memory = program.map(fd, 4, MAP_PRIVATE);
      const uffd = program.userfaultfd();
      uffd.register(memory, MISSING | MINOR);
      const touch = (page: number) =>
        program.serve(uffd, memory, [page], "read", ({ text }) => {
          if (text.startsWith("MINOR")) uffd.continue(memory, page);
          else uffd.zeropage(memory, page);
        });
      uffd.continue(memory, 0, 3);
      program.touch(memory, [0, 1, 2], "write");
      const dropped = [program.madvise(memory, 0, 1, MADV_DONTNEED), touch(0)];
      const punched = [program.punch(fd, 1), touch(1), program.readFile(fd, 1)];
      const truncated = [program.truncate(fd, 2), program.truncate(fd, 4), touch(2)];
      return { dropped, punched, truncated };
    },
    expect: {
      dropped: ["ok", { result: "ok", saw: [1], messages: ["MINOR read 0"] }],
      punched: ["ok", { result: "ok", saw: [0x51], messages: [] }, 0],
      truncated: ["ok", "ok", { result: "ok", saw: [0], messages: ["MISSING read 2"] }],
    },
  },
  {
    name: "COPY in a private mapping is its own copy: punching leaves it, truncating takes it",
    run(program) {
      const fd = program.file(2, [0, 1]);
      const memory = program.map(fd, 2, MAP_PRIVATE);
      const uffd = program.userfaultfd();
      uffd.register(memory, MISSING);
      const fill = uffd.copy(memory, 0, program.source(2), 2);
      const punched = [program.punch(fd, 0, 2), program.touch(memory, [0, 1], "read").saw];
      const truncated = [program.truncate(fd, 1), program.truncate(fd, 2)];
      const { messages } = program.serve(uffd, memory, [0, 1], "write", ({ page }) => {
        uffd.zeropage(memory, page);
      });
      return { fill, punched, truncated, messages };
    },
    expect: {
      fill: "ok 8192",
      punched: ["ok", [0xa0, 0xa1]],
      truncated: ["ok", "ok"],
      messages: ["MISSING write 1"],
    },
  },
  {
    name: "ZEROPAGE in a private mapping is no copy: punching takes it",
    run(program) {
      const fd = program.file(2, [0]);
      const memory = program.map(fd, 2, MAP_PRIVATE);
      const uffd = program.userfaultfd();
      uffd.register(memory, MISSING);
      const fill = [uffd.zeropage(memory, 0), program.touch(memory, [0], "read").saw];
      const punched = program.punch(fd, 0);
      const again = program.serve(uffd, memory, [0], "read", () => {
        uffd.copy(memory, 0, program.source(1));
      });
      return { fill, punched, again };
    },
    expect: {
      fill: ["ok 4096", [0]],
      punched: "ok",
      again: { result: "ok", saw: [0xa0], messages: ["MISSING read 0"] },
    },
  },
  {
    name: "a punched page of shared memory raises MISSING again, a truncated one fails",
    run(program) {
      const fd = program.file(3);
      const memory = program.map(fd, 3);
      const uffd = program.userfaultfd();
      uffd.register(memory, MISSING);
      const source = program.source(3);
      const touch = (page: number, access: Access) =>
        program.serve(uffd, memory, [page], access, () => {
          uffd.copy(memory, page, source);
        });
      uffd.copy(memory, 0, source, 3);
      return {
        kept: touch(0, "read"),
        punched: [program.punch(fd, 0), touch(0, "read"), program.readFile(fd, 0)],
        truncated: [program.truncate(fd, 2), uffd.copy(memory, 2, source), touch(1, "read")],
        grown: [program.truncate(fd, 3), touch(2, "write"), program.readFile(fd, 2)],
      };
    },
    expect: {
      kept: { result: "ok", saw: [0xa0], messages: [] },
      punched: ["ok", { result: "ok", saw: [0xa0], messages: ["MISSING read 0"] }, 0xa0],
      truncated: ["ok", "EFAULT EFAULT", { result: "ok", saw: [0xa1], messages: [] }],
      grown: ["ok", { result: "ok", messages: ["MISSING write 2"] }, "82 4095*162"],
    },
  },
  {
    name: "memory without access: EFAULT, no message",
    run(program) {
      const uffd = program.userfaultfd();
      const anonymous = program.anonymous(1, MAP_PRIVATE, PROT_NONE);
      const file = program.map(program.file(1, [0]), 1, MAP_SHARED, PROT_NONE);
      uffd.register(anonymous, MISSING);
      uffd.register(file, MINOR);
      return [
        program.serve(uffd, anonymous, [0], "system call"),
        program.serve(uffd, file, [0], "system call"),
      ];
    },
    expect: [
      { result: "EFAULT", saw: [0], messages: [] },
      { result: "EFAULT", saw: [0], messages: [] },
    ],
  },
  {
    name: "memory that may only be read: MISSING and MINOR as any other",
    run(program) {
      const uffd = program.userfaultfd();
      const memory = program.map(program.file(2, [0]), 2, MAP_SHARED, PROT_READ);
      const own = program.map(program.file(2, [0]), 2, MAP_PRIVATE, PROT_READ);
      return [memory, own].map((mapping) => {
        uffd.register(mapping, MISSING | MINOR);
        return program.serve(uffd, mapping, [0, 1], "read", ({ page }) => {
          if (page === 0) uffd.continue(mapping, page);
          else uffd.zeropage(mapping, page);
        });
      });
    },
    expect: [
      { result: "ok", saw: [1, 0], messages: ["MINOR read 0", "MISSING read 1"] },
      { result: "ok", saw: [1, 0], messages: ["MINOR read 0", "MISSING read 1"] },
    ],
  },
  {
    name: "a thread goes through many pages, each of which is served as it comes",
    run(program) {
      const pages = Array.from({ length: 600 }, (_, page) => page);
      const memory = program.map(
        program.file(
          600,
          pages.filter((page) => page % 3 === 0),
        ),
        600,
      );
      const source = program.source(600);
      const uffd = program.userfaultfd();
      uffd.register(memory, MISSING | MINOR);
      const order = [...pages].sort((a, b) => ((a * 7) % 601) - ((b * 7) % 601));
      let minor = 0;
      const done = program.serve(uffd, memory, order, "read", ({ text, page }) => {
        if (text.startsWith("MINOR")) {
          minor++;
          uffd.continue(memory, page);
        } else uffd.copy(memory, page, source);
      });
      const right = done.saw!.every((byte, i) => {
        const page = order[i]!;
        return byte === ((page % 3 === 0 ? page + 1 : 0xa0 + page) & 0xff);
      });
      return { messages: done.messages!.length, minor, right };
    },
    expect: { messages: 600, minor: 200, right: true },
  },
  {
    name: "MAP_POPULATE maps pages before they are registered",
    run(program) {
      const uffd = program.userfaultfd();
      const anonymous = program.anonymous(2, MAP_PRIVATE | MAP_POPULATE);
      const file = program.map(program.file(2, [0]), 2, MAP_SHARED | MAP_POPULATE);
      uffd.register(anonymous, MISSING);
      uffd.register(file, MISSING | MINOR);
      return [
        program.serve(uffd, anonymous, [0, 1], "write"),
        program.serve(uffd, file, [0, 1], "read"),
        uffd.copy(anonymous, 1, program.source(2)),
      ];
    },
    expect: [{ result: "ok", messages: [] }, { result: "ok", saw: [1, 0], messages: [] }, "EEXIST EEXIST"],
  },
  ...each(
    "fault-around: a read maps the cached pages of its aligned window, a write its own page alone",
    ["read", "write"],
    (program, flags, access) => {
      const pages = Array.from({ length: 48 }, (_, page) => page);
      const window = 16;
      const cached = pages.filter((page) => page % 5 !== 4);
      const memory = program.map(program.file(48, cached), 48, flags);
      const first =
        Math.ceil(memory.address / program.size / window) * window - memory.address / program.size;
      // A window of its own, and pages on both sides of it.
      const inside = Array.from({ length: window }, (_, page) => first + page);
      const touched = inside.filter((page) => page % 5 !== 4)[3]!;
      program.touch(memory, [touched], access);
      const uffd = program.userfaultfd();
      uffd.register(memory, MISSING | MINOR);
      const { messages } = program.serve(
        uffd,
        memory,
        pages.filter((page) => page >= first - 1 && page <= first + window),
        "read",
        ({ page }) => {
          if (page % 5 === 4) uffd.zeropage(memory, page);
          else uffd.continue(memory, page);
        },
      );
      const expected = pages
        .filter((page) => page >= first - 1 && page <= first + window)
        .filter((page) => (access === "write" ? page !== touched : page % 5 === 4 || !inside.includes(page)))
        .map((page) => `${page % 5 === 4 ? "MISSING" : "MINOR"} read ${page}`);
      return { asExpected: JSON.stringify(messages) === JSON.stringify(expected) || { messages, expected } };
    },
    () => ({ asExpected: true }),
  ),
  {
    name: "fault-around where MISSING alone is registered: reads map around, and nobody hears of it",
    run(program) {
      const uffd = program.userfaultfd();
      const fd = program.file(32, [0, 1, 2, 3]);
      const memory = program.map(fd, 4);
      uffd.register(memory, MISSING);
      const done = program.serve(uffd, memory, [1], "read");
      // What is in the page table already stays there without a message when MINOR comes on.
      uffd.register(memory, MISSING | MINOR);
      const at = memory.address / program.size;
      // The window begins at a multiple of 16 pages or where the mapping does, and ends 16 pages on or with the page table.
      const mapped = [0, 1, 2, 3].filter(
        (page) =>
          ((at + 1) % 16 !== 0 || page > 0) && Math.floor((at + page) / 512) === Math.floor((at + 1) / 512),
      );
      const { messages } = program.serve(uffd, memory, [0, 1, 2, 3], "read", ({ page }) => {
        uffd.continue(memory, page);
      });
      return { done, unheard: messages!.length === 4 - mapped.length || { messages, mapped } };
    },
    expect: { done: { result: "ok", saw: [2], messages: [] }, unheard: true },
  },
];
