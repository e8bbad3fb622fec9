// What a fault costs that TypeScript serves, beside one that C serves: npm run bench:handler [-- PAGES ROUNDS]
//
// One thread reads a byte of each page of a mapping registered MINOR; one handler answers each fault with a CONTINUE of one page.
// The C handlers are bench/handler.c. Rounds alternate, so that whatever else the machine does meets all of them; what counts are
// the ratios within one run. It is measured on one CPU, where nothing but the work itself is timed, and wherever the scheduler
// puts the two threads, where waking an idle CPU may cost more than all the rest.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { cpus, release, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** @param {string} path */
const built = (path) => import(new URL(`../dist/${path}`, import.meta.url).href);
/** @type {typeof import("../src/abi/index.js")} */
const abi = await built("abi/index.js");
/** @type {typeof import("../src/linux/index.js")} */
const { LinuxMachine, whatLinuxOffers } = await built("linux/index.js");
/** @type {typeof import("../src/machine/userfaultfd.js")} */
const { Userfaultfd } = await built("machine/userfaultfd.js");

const self = fileURLToPath(import.meta.url);
const source = fileURLToPath(new URL("handler.c", import.meta.url));

/** V8 takes some 15 rounds until all is compiled as it stays. */
const UNMEASURED_ROUNDS = 20;

/** @param {string} program */
const has = (program) => spawnSync(program, ["--version"]).error === undefined;

/** Serves `pages` faults of one thread: nanoseconds for each. */
class TypeScriptHandler {
  machine = new LinuxMachine();
  thread = this.machine.thread();
  messages = new abi.MessageBuffer(1);

  /** @param {number} pages */
  round(pages) {
    const { machine, thread, messages } = this;
    const size = machine.pageSize;
    const length = pages * size;
    const fd = machine.memfdCreate("handler");
    demand(machine.ftruncate(fd, length));
    const page = new Uint8Array(size);
    for (let i = 0; i < pages; i++) demand(machine.pwrite(fd, page.fill(i), i * size));
    const address = machine.mmap(length, abi.PROT_READ | abi.PROT_WRITE, abi.MAP_SHARED, fd, 0);
    demand(address);
    const uffd = new Userfaultfd(machine, demand(machine.userfaultfd(abi.O_CLOEXEC | abi.O_NONBLOCK)));
    demand(uffd.api(abi.UFFD_FEATURE.MINOR_SHMEM));
    demand(uffd.register(address, length, abi.UFFDIO_REGISTER_MODE_MINOR));

    const order = Uint32Array.from({ length: pages }, (_, i) => i);
    const bytes = new Uint8Array(new SharedArrayBuffer(pages));
    thread.touch({ address, order, access: "read", bytes, throughSystemCall: false });
    const end = machine.serve(uffd.fd, thread, 1_000, () => {
      if (uffd.read(messages) === 1) demand(uffd.continue(messages.address(0), size));
    });
    if (end !== "finished") throw new Error("a thread sleeps, and there is no message");
    const { nanoseconds, faults } = thread.join();
    if (faults < pages) throw new Error(`${faults} faults for ${pages} pages`);
    if (bytes.some((byte, i) => byte !== (i & 0xff))) throw new Error("wrong bytes");

    uffd.close();
    machine.munmap(address, length);
    machine.close(fd);
    return nanoseconds / pages;
  }
}

/** @param {number} result */
function demand(result) {
  if (result < 0) throw new Error(abi.errnoName(result));
  return result;
}

/** The C handler, a process that lives through all rounds: a fork for each would make this one copy its pages anew, in its round. */
class CHandler {
  /**
   * @param {string} program
   * @param {number} pages
   * @param {"block" | "look"} mode
   */
  constructor(program, pages, mode) {
    this.child = spawn(program, [`${pages}`, "0", mode], { stdio: ["pipe", "pipe", "inherit"] });
    this.lines = createInterface(this.child.stdout)[Symbol.asyncIterator]();
  }
  async round() {
    this.child.stdin.write("\n");
    const { value, done } = await this.lines.next();
    if (done) throw new Error("the C handler has ended");
    return Number(value);
  }
  end() {
    this.child.stdin.end();
  }
}

/**
 * @param {string} program the compiled handler.c
 * @param {number} pages
 * @param {number} rounds
 */
async function measure(program, pages, rounds) {
  const blocking = new CHandler(program, pages, "block");
  const looking = new CHandler(program, pages, "look");
  const typeScript = new TypeScriptHandler();
  const contestants = [
    { name: "C, blocking read()", round: () => blocking.round() },
    { name: "C, waiting as LinuxMachine does", round: () => looking.round() },
    { name: "TypeScript", round: () => typeScript.round(pages) },
  ].map((contestant) => ({ ...contestant, times: /** @type {number[]} */ ([]) }));
  try {
    for (let i = -UNMEASURED_ROUNDS; i < rounds; i++) {
      for (const contestant of contestants) {
        const time = await contestant.round();
        if (i >= 0) contestant.times.push(time);
      }
    }
  } finally {
    typeScript.machine.shutdown();
    blocking.end();
    looking.end();
  }
  const allowed = /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  console.log(`\nCPU ${allowed}: ns per page, ${rounds} rounds of ${pages} pages`);
  console.log(`${"".padEnd(34)}${["median", "min", "max"].map((name) => name.padStart(9)).join("")}`);
  const medians = contestants.map(({ name, times }) => {
    const middle = median(times);
    const columns = [middle, Math.min(...times), Math.max(...times)];
    console.log(`${name.padEnd(34)}${columns.map((time) => time.toFixed(0).padStart(9)).join("")}`);
    return middle;
  });
  const [block = 0, look = 0, ts = 0] = medians;
  console.log(
    `TypeScript / C, of the medians: ${(ts / block).toFixed(2)} blocking, ${(ts / look).toFixed(2)} waiting alike`,
  );
}

/** @param {number[]} times An odd number of them. */
const median = (times) => times.toSorted((a, b) => a - b)[times.length >> 1] ?? Number.NaN;

async function main() {
  const [, , pages = "4096", rounds = "31", handler] = process.argv;
  if (handler) return measure(handler, Number(pages), Number(rounds) | 1);

  const offer = whatLinuxOffers();
  if (!offer.userfaultfd) return console.log(`bench:handler: SKIPPED, ${offer.why}; ${offer.mend}`);
  if (!has("cc")) return console.log("bench:handler: SKIPPED, there is no C compiler (cc) for the peer");
  const directory = mkdtempSync(join(tmpdir(), "bench-handler-"));
  try {
    const compiled = join(directory, "handler");
    execFileSync("cc", ["-O2", "-Wall", "-pthread", "-o", compiled, source], { stdio: "inherit" });
    console.log(`${cpus()[0]?.model}, ${cpus().length} CPUs; Linux ${release()}; Node ${process.version}`);
    const again = [self, pages, rounds, compiled];
    if (has("taskset"))
      execFileSync("taskset", ["-c", "0", process.execPath, ...again], { stdio: "inherit" });
    else console.log("one CPU: SKIPPED, there is no taskset");
    execFileSync(process.execPath, again, { stdio: "inherit" });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

await main();
