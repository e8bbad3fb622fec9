// What the executable kernel must reach: sequential MINOR round trips a second on one core, against the running kernel's rate in the
// same run; and the memory it takes beyond the file's own pages. Both are the scenario minor-hit of `userfault compare`.
import { cpus, release } from "node:os";
import v8 from "node:v8";
import vm from "node:vm";
import {
  MAP_SHARED,
  MessageBuffer,
  O_NONBLOCK,
  PROT_READ,
  PROT_WRITE,
  UFFDIO_REGISTER_MODE_MINOR,
} from "../dist/abi/index.js";
import { compare, PAGE_SIZE, readContent } from "../dist/compare/index.js";
import { kernelDirect } from "../dist/compare/targets.js";
import { Userfaultfd } from "../dist/machine/index.js";

const BYTES = 64 * 1024 * 1024;
const ROUNDS = 9;

console.log(`${cpus()[0]?.model}, ${cpus().length} CPUs; Linux ${release()}; Node ${process.version}`);

const comparison = compare({
  memoryFile: process.execPath,
  content: readContent(process.execPath, BYTES, PAGE_SIZE),
  order: "sequential",
  rounds: ROUNDS,
  scenarios: ["minor-hit"],
  accesses: ["read"],
  sharings: ["shared"],
  targets: ["in-fault", "fault-reason", "lookup-first", "do-userfault", "presence-probe", "kernel"],
  progress: () => {},
});
const kernel = comparison.cells.find(({ target }) => target === "kernel")?.nsPerFault?.median;
console.log(
  `\nMINOR round trips a second, sequential, ${comparison.pages} pages, median of ${ROUNDS} rounds (min to max)`,
);
for (const { target, nsPerFault } of comparison.cells) {
  if (nsPerFault === null) continue;
  const rate = (/** @type {number} */ ns) => Math.round(1e9 / ns).toLocaleString("en");
  const times =
    kernel === undefined ? "" : `  ×${(kernel / nsPerFault.median).toFixed(2)} the running kernel's`;
  console.log(
    `${target.padEnd(16)} ${rate(nsPerFault.median).padStart(9)}  (${rate(nsPerFault.max)} to ${rate(nsPerFault.min)})${times}`,
  );
}
if (kernel === undefined) console.log(`kernel: SKIPPED, ${comparison.kernel.why}: ${comparison.kernel.mend}`);

console.log(
  `\nmemory beyond the file's own pages: ${memoryByPage().toFixed(1)} bytes a page, all of them mapped`,
);

/** Of a file in the page cache, each page of which a MINOR round trip has mapped. */
function memoryByPage() {
  v8.setFlagsFromString("--expose-gc");
  const gc = vm.runInNewContext("gc");
  const used = () => {
    gc();
    gc();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const pages = BYTES / PAGE_SIZE;
  const before = used();
  const machine = new kernelDirect.ExecutableMachine(
    { placement: kernelDirect.inFault, memoryBytes: BYTES + 2 * PAGE_SIZE },
    () => 0,
  );
  const fd = machine.memfdCreate("memory");
  const chunk = new Uint8Array(PAGE_SIZE);
  for (let at = 0; at < BYTES; at += PAGE_SIZE) machine.pwrite(fd, chunk, at);
  const address = machine.mmap(BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  const userfaultfd = new Userfaultfd(machine, machine.userfaultfd(O_NONBLOCK));
  userfaultfd.api(0);
  userfaultfd.register(address, BYTES, UFFDIO_REGISTER_MODE_MINOR);
  const messages = new MessageBuffer(1);
  const thread = machine.thread();
  const order = Uint32Array.from({ length: pages }, (_, page) => page);
  thread.touch({ address, order, access: "read", bytes: new Uint8Array(pages), throughSystemCall: false });
  machine.serve(userfaultfd.fd, thread, 0, () => {
    if (userfaultfd.read(messages) > 0) userfaultfd.continue(messages.address(0), PAGE_SIZE);
  });
  thread.join();
  const after = used();
  // The machine must live until here.
  if (machine.kernel.memory.framesInUse !== pages) throw new Error("not every page is there");
  return (after - before - BYTES) / pages;
}
