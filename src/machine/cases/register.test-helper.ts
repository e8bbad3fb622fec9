/** REGISTER and UNREGISTER: errors in their order, modes, and how VMAs are split and joined. */
import { _UFFDIO, MADV_DONTNEED, MAP_PRIVATE, MAP_SHARED, PROT_NONE, PROT_READ } from "../../abi/index.js";
import {
  type Case,
  MINOR,
  MISSING,
  NOTHING_THERE,
  named,
  type Program,
  type Uffd,
} from "./case.test-helper.js";

const UNKNOWN_MODE = 1 << 10;

/** The ioctls that the executable kernel has. */
const KNOWN = ["WAKE", "COPY", "ZEROPAGE", "CONTINUE", "WRITEPROTECT"] as const;
const knownIoctls = (uffd: Uffd) =>
  KNOWN.filter((name) => uffd.call.rangeIoctls & (1n << BigInt(_UFFDIO[name])));

/** Which of some pages raise which message when they are read; each is then filled or continued. */
function kinds(
  program: Program,
  uffd: Uffd,
  memory: Parameters<Uffd["register"]>[0],
  pages: readonly number[],
) {
  return program.serve(uffd, memory, pages, "read", ({ text, page }) => {
    if (text.startsWith("MINOR")) uffd.continue(memory, page);
    else uffd.zeropage(memory, page);
  }).messages;
}

export const registerCases: readonly Case[] = [
  {
    name: "REGISTER: a bad range is EINVAL",
    run(program) {
      const { size } = program;
      const uffd = program.userfaultfd();
      const memory = program.anonymous(4);
      const at = memory.address;
      const register = (start: number, len: number) => named(uffd.call.register(start, len, MISSING));
      return {
        unalignedStart: register(at + 1, size),
        unalignedLength: register(at, size + 1),
        empty: register(at, 0),
        negative: register(at, -size),
        pastAll: register(2 ** 62, size),
        toTheEndOfAll: register(at, 2 ** 62),
        null: register(0, size),
        nothingMapped: register(NOTHING_THERE, 4 * size),
        ok: register(at, size),
      };
    },
    expect: {
      unalignedStart: "EINVAL",
      unalignedLength: "EINVAL",
      empty: "EINVAL",
      negative: "EINVAL",
      pastAll: "EINVAL",
      toTheEndOfAll: "EINVAL",
      null: "EINVAL",
      nothingMapped: "EINVAL",
      ok: "ok",
    },
  },
  {
    name: "REGISTER: no mode, an unknown one, or one that the memory does not have, is EINVAL",
    run(program) {
      const uffd = program.userfaultfd();
      const anonymous = program.anonymous(1);
      const shared = program.anonymous(1, MAP_SHARED);
      const file = program.map(program.file(1), 1, MAP_PRIVATE);
      return {
        none: uffd.register(file, 0),
        unknown: uffd.register(file, UNKNOWN_MODE),
        unknownToo: uffd.register(file, MISSING | UNKNOWN_MODE),
        above31: [uffd.register(file, 2 ** 32), uffd.register(file, 2 ** 32 + MISSING)],
        minorAnonymous: uffd.register(anonymous, MINOR),
        bothAnonymous: uffd.register(anonymous, MISSING | MINOR),
        missingAnonymous: uffd.register(anonymous, MISSING),
        bothSharedAnonymous: uffd.register(shared, MISSING | MINOR),
        bothPrivateFile: uffd.register(file, MISSING | MINOR),
      };
    },
    expect: {
      none: "EINVAL",
      unknown: "EINVAL",
      unknownToo: "EINVAL",
      above31: ["EINVAL", "EINVAL"],
      minorAnonymous: "EINVAL",
      bothAnonymous: "EINVAL",
      missingAnonymous: "ok",
      bothSharedAnonymous: "ok",
      bothPrivateFile: "ok",
    },
  },
  {
    name: "REGISTER: memory without access can be registered, too",
    run(program) {
      const uffd = program.userfaultfd();
      return [
        uffd.register(program.anonymous(1, MAP_PRIVATE, PROT_NONE), MISSING),
        uffd.register(program.anonymous(1, MAP_PRIVATE, PROT_READ), MISSING),
        uffd.register(program.map(program.file(1), 1, MAP_SHARED, PROT_READ), MISSING | MINOR),
        uffd.register(program.map(program.file(1), 1, MAP_SHARED, PROT_NONE), MISSING | MINOR),
      ];
    },
    expect: ["ok", "ok", "ok", "ok"],
  },
  {
    name: "REGISTER says which ioctls its modes allow, and nothing where it fails",
    run(program) {
      const uffd = program.userfaultfd();
      const memory = program.map(program.file(1), 1);
      const register = (mode: number) => [uffd.register(memory, mode), knownIoctls(uffd)];
      return [register(0), register(MISSING), register(MINOR), register(MISSING | MINOR), register(MISSING)];
    },
    expect: [
      ["EINVAL", []],
      ["ok", ["WAKE", "COPY", "ZEROPAGE"]],
      ["ok", ["WAKE", "COPY", "ZEROPAGE", "CONTINUE"]],
      ["ok", ["WAKE", "COPY", "ZEROPAGE", "CONTINUE"]],
      ["ok", ["WAKE", "COPY", "ZEROPAGE"]],
    ],
  },
  {
    name: "another userfaultfd's range: REGISTER is EBUSY, UNREGISTER EINVAL, and COPY, ZEROPAGE and CONTINUE are not asked whose it is",
    run(program) {
      const one = program.userfaultfd();
      const other = program.userfaultfd();
      const memory = program.map(program.file(4, [3]), 4);
      const source = program.source(4);
      return {
        first: one.register(memory, MISSING | MINOR, 1, 3),
        all: other.register(memory, MISSING),
        part: other.register(memory, MISSING | MINOR, 2, 1),
        beside: other.register(memory, MISSING, 0, 1),
        unregister: other.unregister(memory, 1, 3),
        unregisterAll: other.unregister(memory),
        copy: other.copy(memory, 1, source),
        zeropage: other.zeropage(memory, 2),
        continue: other.continue(memory, 3),
        wake: other.wake(memory, 0, 4),
        close: one.close(),
        afterwards: other.register(memory, MISSING),
      };
    },
    expect: {
      first: "ok",
      all: "EBUSY",
      part: "EBUSY",
      beside: "ok",
      unregister: "EINVAL",
      unregisterAll: "EINVAL",
      copy: "ok 4096",
      zeropage: "ok 4096",
      continue: "ok 4096",
      wake: "ok",
      close: "ok",
      afterwards: "ok",
    },
  },
  {
    name: "REGISTER looks at one VMA after the other, and changes none where one is refused",
    run(program) {
      const one = program.userfaultfd();
      const other = program.userfaultfd();
      const source = program.source(3);
      const memory = program.anonymous(3);
      // The last page is the other's, the first nobody's.
      other.register(memory, MISSING, 2, 1);
      const file = program.map(program.file(3), 3);
      other.register(file, MISSING, 0, 1);
      return {
        busy: one.register(memory, MISSING),
        unchanged: one.copy(memory, 0, source),
        firstIsRefusedForItsMode: one.register(memory, MINOR),
        firstIsRefusedForItsOwner: one.register(file, MISSING | MINOR),
        beforeIt: one.unregister(file),
      };
    },
    expect: {
      busy: "EBUSY",
      unchanged: "ENOENT ENOENT",
      firstIsRefusedForItsMode: "EINVAL",
      firstIsRefusedForItsOwner: "EBUSY",
      beforeIt: "EINVAL",
    },
  },
  {
    name: "REGISTER and UNREGISTER pass over holes between mappings",
    run(program) {
      const uffd = program.userfaultfd();
      const memory = program.map(program.file(5, [0, 4]), 5);
      program.munmap(memory, 1, 2);
      const registered = uffd.register(memory, MINOR);
      const there = [0, 3, 4].map((page) => uffd.continue(memory, page));
      const acrossTheHole = uffd.continue(memory, 0, 5);
      const unregistered = uffd.unregister(memory);
      return { registered, there, acrossTheHole, unregistered, after: uffd.continue(memory, 4) };
    },
    expect: {
      registered: "ok",
      there: ["ok 4096", "EFAULT EFAULT", "ok 4096"],
      acrossTheHole: "ENOENT ENOENT",
      unregistered: "ok",
      after: "ENOENT ENOENT",
    },
  },
  {
    name: "UNREGISTER: a bad range, or nothing mapped, is EINVAL; nothing registered is ok",
    run(program) {
      const { size } = program;
      const uffd = program.userfaultfd();
      const memory = program.anonymous(4);
      const at = memory.address;
      const unregister = (start: number, len: number) => named(uffd.call.unregister(start, len));
      return {
        unalignedStart: unregister(at + 1, size),
        unalignedLength: unregister(at, size + 1),
        empty: unregister(at, 0),
        pastAll: unregister(2 ** 62, size),
        nothingMapped: unregister(NOTHING_THERE, 2 * size),
        notRegistered: unregister(at, 4 * size),
        neverRegistrable: uffd.unregister(program.map(program.file(1), 1)),
      };
    },
    expect: {
      unalignedStart: "EINVAL",
      unalignedLength: "EINVAL",
      empty: "EINVAL",
      pastAll: "EINVAL",
      nothingMapped: "EINVAL",
      notRegistered: "ok",
      neverRegistrable: "ok",
    },
  },
  ...(
    [
      ["MISSING, then MINOR", [MISSING, MINOR], ["MINOR read 0"]],
      ["MINOR, then MISSING", [MINOR, MISSING], ["MISSING read 1"]],
      ["MINOR, then both", [MINOR, MISSING | MINOR], ["MINOR read 0", "MISSING read 1"]],
      ["both, then MISSING", [MISSING | MINOR, MISSING], ["MINOR read 0", "MISSING read 1"]],
      ["both, then MINOR", [MISSING | MINOR, MINOR], ["MINOR read 0", "MISSING read 1"]],
      ["MISSING twice", [MISSING, MISSING], ["MISSING read 1"]],
    ] as const
  ).map(
    ([name, modes, expected]): Case => ({
      name: `registered ${name}: ${
        name.startsWith("both")
          ? "more than was asked for stays on"
          : "the new modes take the old ones' place"
      }`,
      run(program) {
        const uffd = program.userfaultfd();
        const memory = program.map(program.file(2, [0]), 2);
        const results = modes.map((mode) => uffd.register(memory, mode));
        return { results, messages: kinds(program, uffd, memory, [0, 1]) };
      },
      expect: { results: modes.map(() => "ok"), messages: expected },
    }),
  ),
  {
    name: "registered MISSING|MINOR, unregistered, then MINOR: only MINOR is on",
    run(program) {
      const uffd = program.userfaultfd();
      const memory = program.map(program.file(2, [0]), 2);
      const results = [
        uffd.register(memory, MISSING | MINOR),
        uffd.unregister(memory),
        uffd.register(memory, MINOR),
      ];
      return { results, messages: kinds(program, uffd, memory, [0, 1]) };
    },
    expect: { results: ["ok", "ok", "ok"], messages: ["MINOR read 0"] },
  },
  {
    name: "a part is registered: the VMA is split, and fault-around of the rest does not reach into the MINOR part",
    run(program) {
      const uffd = program.userfaultfd();
      const pages = Array.from({ length: 12 }, (_, page) => page);
      const memory = program.map(program.file(12, pages), 12);
      uffd.register(memory, MINOR, 4, 4);
      return {
        around: [0, 9, 3, 8].map((page) => program.touch(memory, [page], "read").saw),
        inside: kinds(program, uffd, memory, pages),
      };
    },
    expect: {
      around: [[1], [10], [4], [9]],
      inside: ["MINOR read 4", "MINOR read 5", "MINOR read 6", "MINOR read 7"],
    },
  },
  {
    name: "a part is unregistered: the rest stays as it was",
    run(program) {
      const uffd = program.userfaultfd();
      const pages = [0, 1, 2, 3, 4, 5];
      const memory = program.map(program.file(6, pages), 6);
      uffd.register(memory, MINOR);
      const result = uffd.unregister(memory, 2, 2);
      return { result, copy: uffd.continue(memory, 2), messages: kinds(program, uffd, memory, pages) };
    },
    expect: {
      result: "ok",
      copy: "ENOENT ENOENT",
      messages: ["MINOR read 0", "MINOR read 1", "MINOR read 4", "MINOR read 5"],
    },
  },
  {
    name: "a range is registered in parts: neighbours that are alike become one VMA, which one COPY may span",
    run(program) {
      const uffd = program.userfaultfd();
      const source = program.source(8);
      const file = program.map(program.file(8), 8);
      const anonymous = program.anonymous(8);
      for (const memory of [file, anonymous]) {
        uffd.register(memory, MISSING, 0, 2);
        uffd.register(memory, MISSING, 4, 2);
        uffd.register(memory, MISSING, 2, 2);
      }
      uffd.register(file, MINOR, 6, 2);
      return {
        file: uffd.copy(file, 0, source, 6),
        anonymous: uffd.copy(anonymous, 0, source, 6),
        otherMode: uffd.copy(file, 4, source, 4),
        pastIt: uffd.copy(anonymous, 4, source, 4),
      };
    },
    expect: {
      file: "ok 24576",
      anonymous: "ok 24576",
      otherMode: "ENOENT ENOENT",
      pastIt: "ENOENT ENOENT",
    },
  },
  {
    name: "neighbours join where at most one of them has pages of its own yet, and not where both have",
    run(program) {
      const uffd = program.userfaultfd();
      const source = program.source(4);
      // Of a file: on the running kernel anonymous memory may already have joined a neighbour's that has pages.
      const fd = program.file(4);
      const lower = program.map(fd, 4, MAP_PRIVATE);
      uffd.register(lower, MISSING, 0, 2);
      const first = [uffd.copy(lower, 0, source), uffd.register(lower, MISSING, 2, 2)];
      const upper = program.map(fd, 4, MAP_PRIVATE);
      uffd.register(upper, MISSING, 2, 2);
      const second = [uffd.copy(upper, 3, source), uffd.register(upper, MISSING, 0, 2)];
      const both = program.map(fd, 4, MAP_PRIVATE);
      uffd.register(both, MISSING, 0, 2);
      const third = [uffd.copy(both, 0, source)];
      program.touch(both, [3], "write");
      third.push(String(uffd.register(both, MISSING, 2, 2)));
      return {
        first,
        second,
        third,
        across: [
          uffd.copy(lower, 1, source, 2),
          uffd.copy(upper, 1, source, 2),
          uffd.copy(both, 1, source, 2),
        ],
      };
    },
    expect: {
      first: ["ok 4096", "ok"],
      second: ["ok 4096", "ok"],
      third: ["ok 4096", "ok"],
      across: ["ok 8192", "ok 8192", "ENOENT ENOENT"],
    },
  },
  {
    name: "neighbours join although both have pages, where only their userfaultfds have kept them apart",
    run(program) {
      const { address: source } = program.source(1);
      return [0, 3].map((first) => {
        const memory = program.map(program.file(4), 4, MAP_PRIVATE);
        const lower = program.userfaultfd();
        const upper = program.userfaultfd();
        const results = [lower.register(memory, MISSING, 0, 2), upper.register(memory, MISSING, 2, 2)];
        const fills = [lower.copy(memory, first, source), lower.copy(memory, 3 - first, source)];
        const closed = [lower.close(), upper.close()];
        const uffd = program.userfaultfd();
        return [results, fills, closed, uffd.register(memory, MISSING), uffd.zeropage(memory, 1, 2)];
      });
    },
    expect: [
      [["ok", "ok"], ["ok 4096", "ok 4096"], ["ok", "ok"], "ok", "ok 8192"],
      [["ok", "ok"], ["ok 4096", "ok 4096"], ["ok", "ok"], "ok", "ok 8192"],
    ],
  },
  {
    name: "a neighbour without pages joins one with, and then no other that has some",
    run(program) {
      const uffd = program.userfaultfd();
      const source = program.source(3);
      const memory = program.map(program.file(4), 3, MAP_PRIVATE);
      uffd.register(memory, MISSING, 1, 1);
      uffd.register(memory, MINOR, 2, 1);
      const fills = [uffd.copy(memory, 1, source), uffd.copy(memory, 2, source)];
      uffd.register(memory, MISSING, 0, 1);
      uffd.register(memory, MISSING, 2, 1);
      return { fills, all: uffd.copy(memory, 0, source, 3), two: uffd.copy(memory, 0, source, 2) };
    },
    expect: { fills: ["ok 4096", "ok 4096"], all: "ENOENT ENOENT", two: "EAGAIN 4096" },
  },
  {
    name: "unregistered in the middle and registered again: one VMA again",
    run(program) {
      const uffd = program.userfaultfd();
      const memory = program.map(program.file(6), 6, MAP_PRIVATE);
      uffd.register(memory, MISSING);
      uffd.zeropage(memory, 0);
      uffd.unregister(memory, 2, 2);
      const split = uffd.zeropage(memory, 1, 2);
      // The middle gets a page of its own, and is of one kind with the rest all the same.
      program.touch(memory, [2], "write");
      const registered = uffd.register(memory, MISSING, 2, 2);
      return { split, registered, joined: [uffd.zeropage(memory, 1, 5), uffd.zeropage(memory, 3, 3)] };
    },
    expect: { split: "ENOENT ENOENT", registered: "ok", joined: ["EAGAIN 4096", "ok 12288"] },
  },
  {
    name: "the VMAs that a closed userfaultfd leaves behind are one again",
    run(program) {
      const one = program.userfaultfd();
      const other = program.userfaultfd();
      const memory = program.anonymous(4);
      one.register(memory, MISSING, 1, 2);
      one.close();
      return [other.register(memory, MISSING), other.zeropage(memory, 0, 4)];
    },
    expect: ["ok", "ok 16384"],
  },
  {
    name: "pages mapped before REGISTER raise nothing; dropped, they do",
    run(program) {
      const uffd = program.userfaultfd();
      const memory = program.anonymous(2);
      program.touch(memory, [0, 1], "write");
      uffd.register(memory, MISSING);
      const mapped = program.touch(memory, [0, 1], "read");
      program.madvise(memory, 0, 1, MADV_DONTNEED);
      return { mapped, messages: kinds(program, uffd, memory, [0, 1]) };
    },
    expect: { mapped: { result: "ok", saw: [0x50, 0x51] }, messages: ["MISSING read 0"] },
  },
  {
    name: "the zero page mapped before REGISTER: a write to it raises nothing",
    run(program) {
      const uffd = program.userfaultfd();
      const memory = program.anonymous(1);
      program.populate(memory, [0]);
      uffd.register(memory, MISSING);
      const written = program.touch(memory, [0], "write");
      return { written, message: uffd.read(memory), saw: program.touch(memory, [0], "read").saw };
    },
    expect: { written: { result: "ok" }, message: "EAGAIN", saw: [0x50] },
  },
];
