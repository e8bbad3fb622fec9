import { expect, test } from "vitest";
import {
  EAGAIN,
  EINVAL,
  MessageBuffer,
  O_NONBLOCK,
  POLLERR,
  POLLIN,
  UFFD_MSG_SIZE,
  UFFDIO_REGISTER_MODE_MINOR,
} from "../../abi/index.js";
import { Stage } from "../schedule.test-helper.js";
import { UserfaultfdContext } from "./context.js";
import { userfaultfdPoll, userfaultfdRead } from "./read.js";

test("poll() answers POLLERR before UFFDIO_API and on a blocking descriptor, and POLLIN while a fault is unread", () => {
  const stage = new Stage();
  const ctx = new UserfaultfdContext(stage.process.mm, O_NONBLOCK);
  expect(userfaultfdPoll(ctx)).toBe(POLLERR);
  ctx.initialized = true;
  expect(userfaultfdPoll(ctx)).toBe(0);

  const blocking = new UserfaultfdContext(stage.process.mm, 0);
  blocking.initialized = true;
  expect(userfaultfdPoll(blocking)).toBe(POLLERR);

  const address = stage.map(stage.file(1, { 0: 1 }), 1);
  const userfaultfd = stage.userfaultfd(address, 1, UFFDIO_REGISTER_MODE_MINOR);
  stage.load("reader", address).run();
  expect(userfaultfdPoll(stage.context(userfaultfd))).toBe(POLLIN);
  stage.read("handler", userfaultfd).run();
  expect(userfaultfdPoll(stage.context(userfaultfd))).toBe(0);
});

test("a blocking read() sleeps until a fault comes, in whatever order the two meet", () => {
  // The reader is stopped before each of its touches in turn, and overtaken there by the fault.
  for (let steps = 0; steps < 8; steps++) {
    const stage = new Stage();
    const address = stage.map(stage.file(1, { 0: 1 }), 1);
    const userfaultfd = stage.userfaultfd(address, 1, UFFDIO_REGISTER_MODE_MINOR);
    const ctx = stage.context(userfaultfd);
    const messages = new MessageBuffer(1);
    // The same userfaultfd, opened without O_NONBLOCK.
    const handler = stage.actor("handler", (current) =>
      userfaultfdRead(current, Object.assign(Object.create(ctx), { flags: 0 }), messages),
    );
    for (let step = 0; step < steps && !handler.blocked; step++) handler.step();
    const load = stage.load("load", address);
    // The fault goes first wherever it can.
    while (!handler.done) (load.blocked ? handler : load).step();
    expect(handler.value).toBe(UFFD_MSG_SIZE);
    expect(messages.address(0)).toBe(address);
    expect(ctx.fdWqh.active).toBe(false);
  }
});

test("a buffer smaller than a message, and a userfaultfd before UFFDIO_API: EINVAL; nothing to read: EAGAIN", () => {
  const stage = new Stage();
  const read = (ctx: UserfaultfdContext, capacity: number) => {
    const actor = stage.actor("reader", (current) =>
      userfaultfdRead(current, ctx, new MessageBuffer(capacity)),
    );
    actor.run();
    return actor.value;
  };
  const ctx = new UserfaultfdContext(stage.process.mm, O_NONBLOCK);
  expect(read(ctx, 1)).toBe(-EINVAL);
  ctx.initialized = true;
  expect(read(ctx, 0)).toBe(-EINVAL);
  expect(read(ctx, 1)).toBe(-EAGAIN);
});
