import { describe, expect, test } from "vitest";
import {
  EEXIST,
  EFAULT,
  FAULT_FLAG_ALLOW_RETRY,
  FAULT_FLAG_RETRY_NOWAIT,
  FAULT_FLAG_USER,
  FAULT_FLAG_VMA_LOCK,
  UFFD_FEATURE,
  UFFD_USER_MODE_ONLY,
  UFFDIO_CONTINUE_MODE_DONTWAKE,
  UFFDIO_REGISTER_MODE_MINOR,
  UFFDIO_REGISTER_MODE_MISSING,
  VM_FAULT_RETRY,
  VM_FAULT_SIGBUS,
} from "../../abi/index.js";
import { VM_UFFD_MINOR, VmFault } from "../memory/index.js";
import { PAGE, Stage } from "../schedule.test-helper.js";
import { UserfaultfdContext } from "./context.js";
import { handleUserfault } from "./handle-userfault.js";

/** A page 0 with byte 0x11 in the page cache, not mapped, registered MINOR. */
function minor() {
  const stage = new Stage();
  const fd = stage.file(2, { 0: 0x11 });
  const address = stage.map(fd, 2);
  const userfaultfd = stage.userfaultfd(address, 2, UFFDIO_REGISTER_MODE_MINOR);
  return { stage, fd, address, userfaultfd, ctx: stage.context(userfaultfd) };
}

describe("a page that comes while its fault is on the way to sleep", () => {
  // The places where the fault can be overtaken: each is a touch of an object that the waker, too, touches.
  const places = [
    ["before it is queued", "faultPendingWqh"],
    ["after it is queued, before it looks again", "mm"],
    ["after it has looked again, before it sleeps", "ctx"],
  ] as const;

  test.each(places)("%s: the fault does not sleep", (_, place) => {
    const { stage, address, userfaultfd, ctx } = minor();
    const reader = stage.load("reader", address);
    reader.runUntil(({ object }) => object === ctx.faultPendingWqh.lock);
    if (place !== "faultPendingWqh") reader.step();
    if (place === "mm") expect(reader.next?.object).toBe(stage.process.mm);
    if (place === "ctx") reader.runUntil(({ object }) => object === ctx);

    const handler = stage.continue("handler", userfaultfd, address);
    handler.run();
    expect(handler.value).toEqual([0, PAGE]);
    expect(reader.run()).toBe("ended");
    expect(reader.value).toBe(0x11);
    expect(ctx.faultPendingWqh.active || ctx.faultWqh.active).toBe(false);
    stage.checkInvariants();
  });

  test("without a wake-up it is found by looking again", () => {
    const { stage, address, userfaultfd, ctx } = minor();
    const reader = stage.load("reader", address);
    reader.runUntil(({ object }) => object === ctx.faultPendingWqh.lock);
    stage.continue("handler", userfaultfd, address, UFFDIO_CONTINUE_MODE_DONTWAKE).run();
    expect(reader.run()).toBe("ended");
    expect(ctx.faultPendingWqh.active).toBe(false);
  });

  test("after it sleeps, DONTWAKE leaves it asleep, and WAKE ends that", () => {
    const { stage, address, userfaultfd } = minor();
    const reader = stage.load("reader", address);
    expect(reader.run()).toBe("blocked");
    stage.continue("handler", userfaultfd, address, UFFDIO_CONTINUE_MODE_DONTWAKE).run();
    expect(reader.blocked).toBe(true);
    const second = stage.continue("handler", userfaultfd, address);
    second.run();
    expect(second.value).toEqual([-EEXIST, -EEXIST]);
    expect(reader.blocked).toBe(true);
    stage.wake("waker", userfaultfd, address).run();
    expect(reader.run()).toBe("ended");
    expect(reader.value).toBe(0x11);
  });
});

describe("read() moves a fault from the pending queue to the other", () => {
  test("a WAKE that finds both queues empty looks again", () => {
    const { stage, address, userfaultfd, ctx } = minor();
    const reader = stage.load("reader", address);
    reader.run();
    const handler = stage.read("handler", userfaultfd);
    handler.runUntil(({ object }) => object === ctx.faultWqh.lock, "the second queue");
    expect(ctx.faultPendingWqh.active || ctx.faultWqh.active).toBe(false);

    const waker = stage.wake("waker", userfaultfd, address);
    expect(waker.run()).toBe("blocked");
    handler.run();
    waker.run();
    expect(reader.blocked).toBe(false);
    expect(reader.run()).toBe("blocked");
  });

  test("a WAKE that has looked at the first queue before, and at the second after, looks again", () => {
    const { stage, address, userfaultfd, ctx } = minor();
    const reader = stage.load("reader", address);
    const waker = stage.wake("waker", userfaultfd, address);
    waker.runUntil(({ object }) => object === ctx.faultWqh, "the second queue");
    reader.run();
    const handler = stage.read("handler", userfaultfd);
    handler.runUntil(({ object }) => object === ctx.faultWqh.lock);
    // Both looked empty: the first before the fault was queued, the second while it was moved.
    waker.step();
    handler.run();
    waker.run();
    expect(reader.blocked).toBe(false);
  });

  test("a fault that is woken before it is read is never read", () => {
    const { stage, address, userfaultfd } = minor();
    stage.load("reader", address).run();
    stage.wake("waker", userfaultfd, address).run();
    const handler = stage.read("handler", userfaultfd);
    handler.run();
    expect(handler.value).toBeLessThan(0);
  });
});

describe("close", () => {
  test("with a sleeper: it goes on, into ordinary memory", () => {
    const { stage, address, userfaultfd } = minor();
    const reader = stage.load("reader", address);
    reader.run();
    stage.close("closer", userfaultfd).run();
    expect(reader.run()).toBe("ended");
    expect(reader.value).toBe(0x11);
    stage.checkInvariants();
  });

  test("marks itself before it waits for faults in progress, which then do not sleep", () => {
    const { stage, address, userfaultfd, ctx } = minor();
    const reader = stage.load("reader", address);
    reader.runUntil(({ object }) => object === ctx.faultPendingWqh.lock);
    const closer = stage.close("closer", userfaultfd);
    expect(closer.run()).toBe("blocked");
    expect(ctx.released).toBe(true);
    // It is woken by the fault, which has dropped its lock, and must not sleep.
    while (closer.blocked) reader.step();
    expect(closer.run()).toBe("ended");
    expect(reader.run()).toBe("ended");
    expect(reader.value).toBe(0x11);
    stage.checkInvariants();
  });

  test("while a call is inside: nothing is registered with a userfaultfd that is released", () => {
    const { stage, address, userfaultfd, ctx } = minor();
    const unregister = stage.unregister("unregister", userfaultfd, address);
    unregister.runUntil(({ object }) => object === stage.process.mm.mmapLock, "the mmap lock");
    expect(stage.close("closer", userfaultfd).run()).toBe("ended");
    expect(ctx.released).toBe(false);
    expect(unregister.run()).toBe("ended");
    expect(ctx.released).toBe(true);
    stage.checkInvariants();
  });

  test("before a fault has asked: RETRY, with the lock dropped", () => {
    const { stage, address, userfaultfd, ctx } = minor();
    const reader = stage.load("reader", address);
    reader.runUntil(({ object, kind }) => object === ctx && kind === "read");
    const closer = stage.close("closer", userfaultfd);
    expect(closer.run()).toBe("blocked");
    while (closer.blocked) reader.step();
    expect(ctx.faultPendingWqh.active).toBe(false);
    expect(closer.run()).toBe("ended");
    expect(reader.run()).toBe("ended");
    expect(reader.value).toBe(0x11);
  });
});

test("UNREGISTER wakes before it clears: a fault in between sleeps in memory that is not registered any more, until WAKE", () => {
  const stage = new Stage();
  const fd = stage.file(1);
  const address = stage.map(fd, 1);
  const userfaultfd = stage.userfaultfd(address, 1, UFFDIO_REGISTER_MODE_MISSING);
  const reader = stage.load("reader", address);
  // The fault has looked at its VMA, and holds its lock. UNREGISTER wakes nobody, since nobody is queued.
  reader.runUntil(({ object }) => object === stage.context(userfaultfd).faultPendingWqh.lock);
  const unregister = stage.unregister("unregister", userfaultfd, address);
  expect(unregister.run()).toBe("blocked");
  expect(reader.run()).toBe("blocked");
  expect(unregister.run()).toBe("ended");
  expect(unregister.value).toBe(0);
  expect(stage.vma(address).userfaultfdContext).toBe(null);
  expect(reader.blocked).toBe(true);

  stage.wake("waker", userfaultfd, address).run();
  expect(reader.run()).toBe("ended");
  stage.checkInvariants();
});

describe("what is answered without sleeping", () => {
  const USER = FAULT_FLAG_USER | FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_VMA_LOCK;

  /** handle_userfault() for page 0, called under the VMA lock. */
  function ask(change: (ctx: UserfaultfdContext) => void, flags = USER, exiting = false) {
    const { stage, address, ctx } = minor();
    change(ctx);
    const vma = stage.vma(address);
    vma.readers++;
    const actor = stage.actor("asker", (current) => {
      current.exiting = exiting;
      return handleUserfault(new VmFault(current, vma, address, address, flags), VM_UFFD_MINOR);
    });
    actor.run();
    return { answer: actor.value, locked: vma.readers === 1, queued: ctx.faultPendingWqh.active };
  }
  const unchanged = () => {};
  const refused = { answer: VM_FAULT_SIGBUS, locked: true, queued: false };

  test("an exiting task: SIGBUS", () => expect(ask(unchanged, USER, true)).toEqual(refused));
  test("the feature SIGBUS", () => {
    expect(
      ask((ctx) => {
        ctx.features = UFFD_FEATURE.SIGBUS;
      }),
    ).toEqual(refused);
  });
  test("ALLOW_RETRY is missing: SIGBUS", () => {
    expect(ask(unchanged, FAULT_FLAG_USER | FAULT_FLAG_VMA_LOCK)).toEqual(refused);
  });
  test("RETRY_NOWAIT: RETRY, the lock kept, nothing queued", () => {
    expect(ask(unchanged, USER | FAULT_FLAG_RETRY_NOWAIT)).toEqual({ ...refused, answer: VM_FAULT_RETRY });
  });
  test("released: RETRY, the lock dropped, nothing queued", () => {
    expect(
      ask((ctx) => {
        ctx.released = true;
      }),
    ).toEqual({ answer: VM_FAULT_RETRY, locked: false, queued: false });
  });
  test("USER_MODE_ONLY: a fault of the kernel's own gets SIGBUS, which a system call answers as EFAULT", () => {
    const { stage, address } = minor();
    stage.vma(address).userfaultfdContext = new UserfaultfdContext(stage.process.mm, UFFD_USER_MODE_ONLY);
    const access = (kind: "user" | "kernel") => {
      const actor = stage.actor(kind, (current) => stage.process.access(current, address, false, kind));
      return { end: actor.run(), value: actor.value };
    };
    expect(access("kernel")).toEqual({ end: "ended", value: -EFAULT });
    expect(access("user")).toEqual({ end: "blocked", value: undefined });
  });
});
