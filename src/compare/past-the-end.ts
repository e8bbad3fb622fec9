/**
 * The row where placements differ in what a program sees: an access past the end of a file that is registered MISSING and MINOR.
 * Made by a system call, since a program would be killed by SIGBUS.
 */
import {
  EAGAIN,
  EFAULT,
  errnoName,
  MAP_PRIVATE,
  MAP_SHARED,
  MessageBuffer,
  PROT_READ,
  PROT_WRITE,
  UFFD_PAGEFAULT_FLAG_MINOR,
} from "../abi/index.js";
import type { Machine, Thread } from "../machine/index.js";
import { check, register, STUCK_MILLISECONDS } from "./round.js";
import type { Scenario, Sharing } from "./scenarios.js";

export interface PastTheEnd {
  readonly missingMessages: number;
  readonly minorMessages: number;
  readonly outcome: string;
  /** Nothing else than an error came of it. */
  readonly verified: boolean;
}

export function pastTheEnd(
  machine: Machine,
  thread: Thread,
  scenario: Scenario,
  sharing: Sharing,
): PastTheEnd {
  const { pageSize } = machine;
  const fd = check(machine.memfdCreate("short"), "memfd_create");
  check(machine.ftruncate(fd, pageSize), "ftruncate");
  const flags = sharing === "shared" ? MAP_SHARED : MAP_PRIVATE;
  const address = check(machine.mmap(2 * pageSize, PROT_READ | PROT_WRITE, flags, fd, 0), "mmap");
  const source = check(machine.mmap(pageSize, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), "mmap");
  const userfaultfd = register(machine, address, 2 * pageSize, scenario.mode);
  const messages = new MessageBuffer(1);
  thread.touch({
    address,
    order: Uint32Array.of(1),
    access: "read",
    bytes: new Uint8Array(new SharedArrayBuffer(2)),
    throughSystemCall: true,
  });

  let missingMessages = 0;
  let minorMessages = 0;
  let answer = 0;
  machine.serve(userfaultfd.fd, thread, STUCK_MILLISECONDS, () => {
    if (userfaultfd.read(messages) === -EAGAIN) return;
    if (messages.flags(0) & UFFD_PAGEFAULT_FLAG_MINOR) minorMessages++;
    else missingMessages++;
    answer = userfaultfd.copy(messages.address(0), source, pageSize);
    // Closing wakes a thread that nobody can help.
    if (answer < 0) check(userfaultfd.close(), "close");
  });
  if (answer === 0) check(userfaultfd.close(), "close");
  const { result } = thread.join();
  check(machine.munmap(address, 2 * pageSize), "munmap");
  check(machine.munmap(source, pageSize), "munmap");
  check(machine.close(fd), "close");
  const outcome =
    answer < 0
      ? `COPY answers ${errnoName(answer)}, and the thread sleeps until the userfaultfd is closed`
      : `the access gets ${result === 0 ? "a page" : errnoName(result)} at once`;
  return { missingMessages, minorMessages, outcome, verified: result === -EFAULT };
}
