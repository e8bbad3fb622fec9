/** userfaultfd(), UFFDIO_API, and what every call of a descriptor checks first. */
import {
  _UFFDIO,
  MessageBuffer,
  O_CLOEXEC,
  O_NONBLOCK,
  UFFD_FEATURE,
  UFFD_USER_MODE_ONLY,
  UFFDIO_API,
  UFFDIO_REGISTER,
  uffdioApi,
} from "../../abi/index.js";
import { type Case, MINOR, MISSING, named } from "./case.test-helper.js";

/** What the executable kernel offers. The running kernel may offer more. */
const OFFERED = ["MISSING_SHMEM", "SIGBUS", "THREAD_ID", "MINOR_SHMEM", "EXACT_ADDRESS"] as const;

const offered = (features: number) => OFFERED.filter((name) => features & UFFD_FEATURE[name]);

const UNKNOWN_FEATURE = 2 ** 40;

const ioctlNames = (bits: bigint) =>
  Object.entries(_UFFDIO)
    .filter(([, bit]) => bits & (1n << BigInt(bit)))
    .map(([name]) => name);

export const apiCases: readonly Case[] = [
  {
    name: "userfaultfd() takes O_CLOEXEC, O_NONBLOCK and UFFD_USER_MODE_ONLY",
    run({ machine }) {
      const flags = [0, O_CLOEXEC, O_NONBLOCK, UFFD_USER_MODE_ONLY, O_CLOEXEC | UFFD_USER_MODE_ONLY];
      return {
        known: flags.map((flag) => machine.userfaultfd(flag) >= 0),
        unknown: [2, 4, 0x40, O_NONBLOCK | 0x100].map((flag) => named(machine.userfaultfd(flag))),
      };
    },
    expect: {
      known: [true, true, true, true, true],
      unknown: ["EINVAL", "EINVAL", "EINVAL", "EINVAL"],
    },
  },
  {
    name: "UFFDIO_API says which features and ioctls there are",
    run(program) {
      const { call } = program.newUserfaultfd();
      return {
        result: named(call.api(0)),
        features: offered(call.features),
        ioctls: ioctlNames(call.ioctls),
      };
    },
    expect: { result: "ok", features: OFFERED, ioctls: ["REGISTER", "UNREGISTER", "API"] },
  },
  {
    name: "UFFDIO_API takes every feature there is, and says the same whichever was asked for",
    run(program) {
      return OFFERED.map((name) => {
        const { call } = program.newUserfaultfd();
        return [named(call.api(UFFD_FEATURE[name])), offered(call.features).length];
      });
    },
    expect: OFFERED.map(() => ["ok", OFFERED.length]),
  },
  {
    name: "UFFDIO_API: another version, or an unknown feature, is EINVAL; the struct is zeroed; the same descriptor may try again",
    run({ machine }) {
      const fd = machine.userfaultfd(O_CLOEXEC | O_NONBLOCK);
      const argument = uffdioApi.allocate();
      const attempt = (api: number, features: number) => {
        uffdioApi.write(argument, { api, features, ioctls: 5n });
        const result = named(machine.ioctl(fd, UFFDIO_API, argument));
        const out = uffdioApi.read(argument);
        return [result, out.api, offered(out.features).length, ioctlNames(out.ioctls).length];
      };
      return [
        attempt(0xab, 0),
        attempt(0xaa, UNKNOWN_FEATURE),
        attempt(0xaa, UFFD_FEATURE.THREAD_ID + UNKNOWN_FEATURE),
        attempt(0xaa, 2 ** 63),
        attempt(0, UFFD_FEATURE.THREAD_ID),
        attempt(0xaa, UFFD_FEATURE.THREAD_ID),
        attempt(0xaa, UFFD_FEATURE.THREAD_ID),
        attempt(0xaa, 0),
      ];
    },
    expect: [
      ["EINVAL", 0, 0, 0],
      ["EINVAL", 0, 0, 0],
      ["EINVAL", 0, 0, 0],
      ["EINVAL", 0, 0, 0],
      ["EINVAL", 0, 0, 0],
      ["ok", 0xaa, OFFERED.length, 3],
      ["EINVAL", 0, 0, 0],
      ["EINVAL", 0, 0, 0],
    ],
  },
  {
    name: "UFFDIO_API a second time changes nothing: the features of the first time stay",
    run(program) {
      const uffd = program.userfaultfd(UFFD_FEATURE.THREAD_ID);
      const second = named(uffd.call.api(0));
      const memory = program.anonymous(1);
      const registered = uffd.register(memory, MISSING);
      let threadId = 0;
      program.serve(uffd, memory, [0], "read", (message) => {
        threadId = message.threadId;
        uffd.zeropage(memory, 0);
      });
      return { second, registered, threadId: threadId > 0 };
    },
    expect: { second: "EINVAL", registered: "ok", threadId: true },
  },
  {
    name: "before UFFDIO_API every other ioctl and read() is EINVAL, and no out field is written",
    run(program) {
      const uffd = program.newUserfaultfd();
      const memory = program.map(program.file(1, [0]), 1);
      const source = program.source(1);
      const calls = () => [
        uffd.register(memory, MISSING),
        uffd.unregister(memory),
        uffd.wake(memory, 0),
        uffd.copy(memory, 0, source),
        uffd.zeropage(memory, 0),
        uffd.continue(memory, 0),
        uffd.read(memory),
      ];
      const before = calls();
      const failed = named(uffd.call.api(UNKNOWN_FEATURE));
      return { before, failed, stillBefore: calls() };
    },
    expect: {
      before: [
        "EINVAL",
        "EINVAL",
        "EINVAL",
        "EINVAL untouched",
        "EINVAL untouched",
        "EINVAL untouched",
        "EINVAL",
      ],
      failed: "EINVAL",
      stillBefore: [
        "EINVAL",
        "EINVAL",
        "EINVAL",
        "EINVAL untouched",
        "EINVAL untouched",
        "EINVAL untouched",
        "EINVAL",
      ],
    },
  },
  {
    name: "an ioctl of another number is EINVAL; of another file ENOTTY; of no file EBADF",
    run(program) {
      const { machine } = program;
      const uffd = program.userfaultfd();
      const argument = new DataView(new ArrayBuffer(64));
      const unknown = UFFDIO_REGISTER + 0x20;
      const file = program.file(1);
      const closed = program.file(1);
      machine.close(closed);
      return [
        named(machine.ioctl(uffd.fd, unknown, argument)),
        named(machine.ioctl(file, UFFDIO_API, argument)),
        named(machine.ioctl(closed, UFFDIO_API, argument)),
        named(machine.ioctl(-1, UFFDIO_API, argument)),
      ];
    },
    expect: ["EINVAL", "ENOTTY", "EBADF", "EBADF"],
  },
  {
    name: "a descriptor that is closed is EBADF to everything",
    run(program) {
      const { machine } = program;
      const uffd = program.userfaultfd();
      const memory = program.anonymous(1);
      return [
        uffd.close(),
        uffd.close(),
        named(machine.close(-1)),
        named(machine.read(uffd.fd, new MessageBuffer(1))),
        uffd.register(memory, MISSING),
        uffd.copy(memory, 0, memory),
      ];
    },
    expect: ["ok", "EBADF", "EBADF", "EBADF", "EBADF", "EBADF untouched"],
  },
  {
    name: "read(): EAGAIN while there is no message; a message is read once",
    run(program) {
      const uffd = program.userfaultfd();
      const memory = program.anonymous(1);
      uffd.register(memory, MISSING);
      const before = uffd.read(memory);
      const touching = program.start(memory, [0], "read");
      let after: unknown;
      const done = program.serveStarted(uffd, memory, touching, () => {
        after = uffd.read(memory);
        uffd.zeropage(memory, 0);
      });
      return { before, after, done, end: uffd.read(memory) };
    },
    expect: {
      before: "EAGAIN",
      after: "EAGAIN",
      done: { result: "ok", saw: [0], messages: ["MISSING read 0"] },
      end: "EAGAIN",
    },
  },
  {
    name: "read() answers as many messages as there are and fit, oldest first",
    sleeps: true,
    run(program) {
      const uffd = program.userfaultfd();
      const memory = program.map(program.file(4, [2]), 4);
      uffd.register(memory, MISSING | MINOR);
      const threads = [1, 3, 2, 0].map((page) => {
        const touching = program.start(memory, [page], page === 3 ? "write" : "read");
        // Its message is in the queue before the next thread's.
        program.asleep(touching);
        return touching;
      });
      const reads = [uffd.read(memory, 3), uffd.read(memory, 3), uffd.read(memory, 3)];
      const fills = [uffd.zeropage(memory, 0, 2), uffd.continue(memory, 2), uffd.zeropage(memory, 3)];
      return { reads, fills, results: threads.map((touching) => program.finish(touching).result) };
    },
    expect: {
      reads: [["MISSING read 1", "MISSING write 3", "MINOR read 2"], ["MISSING read 0"], "EAGAIN"],
      fills: ["ok 8192", "ok 4096", "ok 4096"],
      results: ["ok", "ok", "ok", "ok"],
    },
  },
  {
    name: "without THREAD_ID and EXACT_ADDRESS a message names no thread, and the page",
    run(program) {
      const uffd = program.userfaultfd();
      const memory = program.anonymous(3);
      uffd.register(memory, MISSING);
      const threadIds: number[] = [];
      const touching = program.start(memory, [1], "read", 5);
      const done = program.serveStarted(uffd, memory, touching, ({ page, threadId }) => {
        threadIds.push(threadId);
        uffd.zeropage(memory, page);
      });
      return { done, threadIds };
    },
    expect: { done: { result: "ok", saw: [0], messages: ["MISSING read 1"] }, threadIds: [0] },
  },
  {
    name: "EXACT_ADDRESS: a message names the byte; the page's range wakes it all the same",
    run(program) {
      const uffd = program.userfaultfd(UFFD_FEATURE.EXACT_ADDRESS);
      const memory = program.anonymous(3);
      const file = program.map(program.file(3, [2]), 3);
      uffd.register(memory, MISSING);
      uffd.register(file, MINOR);
      const missing = program.serveStarted(
        uffd,
        memory,
        program.start(memory, [1, 0], "write", 5),
        ({ page }) => {
          uffd.zeropage(memory, page);
        },
      );
      const minor = program.serveStarted(
        uffd,
        file,
        program.start(file, [2], "system call", 4095),
        ({ page }) => {
          uffd.continue(file, page);
        },
      );
      return { missing, minor };
    },
    expect: {
      missing: { result: "ok", messages: ["MISSING write 1+5", "MISSING write 0+5"] },
      minor: { result: "ok", saw: [3], messages: ["MINOR read 2+4095"] },
    },
  },
  {
    name: "THREAD_ID: messages name their threads",
    sleeps: true,
    run(program) {
      const uffd = program.userfaultfd(UFFD_FEATURE.THREAD_ID);
      const memory = program.anonymous(2);
      uffd.register(memory, MISSING);
      const threads = [0, 1].map((page) => program.start(memory, [page], "read"));
      const first = threads.map((touching) => program.sleeping(uffd, memory, touching));
      uffd.wake(memory, 0, 2);
      const again = threads.map((touching) => program.sleeping(uffd, memory, touching));
      uffd.zeropage(memory, 0, 2);
      for (const touching of threads) program.finish(touching);
      const ids = (messages: typeof first) =>
        messages.map((message) => (message === "finished" ? 0 : message.threadId));
      const [one, other] = ids(first);
      return {
        positive: one! > 0 && other! > 0,
        differ: one !== other,
        stay: JSON.stringify(ids(first).sort()) === JSON.stringify(ids(again).sort()),
      };
    },
    expect: { positive: true, differ: true, stay: true },
  },
  {
    name: "the feature SIGBUS: no message, the access gets SIGBUS (EFAULT in a system call); what is mapped is there",
    run(program) {
      const uffd = program.userfaultfd(UFFD_FEATURE.SIGBUS);
      const anonymous = program.anonymous(2);
      const file = program.map(program.file(2, [1]), 2);
      const both = program.map(program.file(2, [1]), 2);
      uffd.register(anonymous, MISSING);
      uffd.register(file, MINOR);
      uffd.register(both, MISSING | MINOR);
      uffd.zeropage(anonymous, 1);
      return [
        program.touch(anonymous, [1, 0], "system call"),
        program.touch(file, [0, 1], "system call"),
        program.touch(both, [0], "system call"),
        program.touch(both, [1], "system call"),
        uffd.read(both),
        uffd.continue(file, 1),
        program.touch(file, [1], "system call"),
      ];
    },
    expect: [
      { result: "EFAULT", saw: [0, 0] },
      { result: "EFAULT", saw: [0, 0] },
      { result: "EFAULT", saw: [0] },
      { result: "EFAULT", saw: [0] },
      "EAGAIN",
      "ok 4096",
      { result: "ok", saw: [2] },
    ],
  },
  {
    name: "UFFD_USER_MODE_ONLY: a fault of a system call is refused without a message, a load of the program raises one",
    run(program) {
      const uffd = program.userfaultfd(0, UFFD_USER_MODE_ONLY);
      const anonymous = program.anonymous(1);
      const file = program.map(program.file(1, [0]), 1);
      uffd.register(anonymous, MISSING);
      uffd.register(file, MINOR);
      return [
        program.touch(anonymous, [0], "system call"),
        program.touch(file, [0], "system call"),
        uffd.read(anonymous),
        program.serve(uffd, anonymous, [0], "read", () => {
          uffd.zeropage(anonymous, 0);
        }),
        program.serve(uffd, file, [0], "write", () => {
          uffd.continue(file, 0);
        }),
      ];
    },
    expect: [
      { result: "EFAULT", saw: [0] },
      { result: "EFAULT", saw: [0] },
      "EAGAIN",
      { result: "ok", saw: [0], messages: ["MISSING read 0"] },
      { result: "ok", messages: ["MINOR write 0"] },
    ],
  },
];
