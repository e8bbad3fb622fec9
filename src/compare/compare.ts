/**
 * The experiment: each scenario on each target, in interleaved rounds.
 */
import { cpus, release } from "node:os";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import {
  type ExecutableMachine,
  type Ledger,
  type LedgerEntry,
  ledgerEntries,
  type Placement,
} from "../kernel/index.js";
import { LinuxMachine, whatLinuxOffers } from "../linux/index.js";
import type { Access, Machine, Thread } from "../machine/index.js";
import type { Cell, Comparison, Order, RunningKernel, Spread } from "./comparison.js";
import { Expected } from "./content.js";
import { knowHandleUserfault } from "./know-handle-userfault.js";
import { pastTheEnd } from "./past-the-end.js";
import { type Round, ScenarioRun } from "./round.js";
import { type Scenario, type ScenarioName, type Sharing, scenarios } from "./scenarios.js";
import { kernelDirect, placementOf, type TargetName } from "./targets.js";

export interface CompareOptions {
  /** The file that `content` is from. */
  readonly memoryFile: string;
  /** What the memory holds: a whole number of pages. */
  readonly content: Uint8Array;
  readonly order: Order;
  /** 1 or more. */
  readonly rounds: number;
  readonly scenarios: readonly ScenarioName[];
  readonly accesses: readonly Access[];
  readonly sharings: readonly Sharing[];
  readonly targets: readonly TargetName[];
  /** Called before each cell: what is measured next, and how many of all rows are done. */
  readonly progress: (text: string, done: number, all: number) => void;
}

export const PAGE_SIZE = 4096;

/** What Linux has by default. */
const FAULT_AROUND_BYTES = 16 * PAGE_SIZE;

/**
 * Touches before the first timed round of a scenario, on the executable kernels together: by then the code that it runs has been
 * compiled. Measured: the rate still rises until some 60,000.
 */
const WARM_UP_TOUCHES = 131_072;

/** How much of the memory one round touches that is not timed. */
const WARM_UP_PAGES = 4096;

/** A small memory is touched so often, and no more: its numbers are those of start-up then. */
const WARM_UP_ROUNDS = 64;

const nothing = () => {};

export function compare(options: CompareOptions): Comparison {
  const { content, order, rounds } = options;
  const kernel = runningKernel();
  const targets = options.targets.filter((target) => target !== "kernel" || kernel.userfaultfd);
  const pages = pageOrder(content.length / PAGE_SIZE, order);
  const rows = scenarios
    .filter((scenario) => options.scenarios.includes(scenario.name))
    .flatMap((scenario: Scenario & { name: ScenarioName }) =>
      options.accesses.flatMap((access) =>
        options.sharings.map((sharing) => ({ scenario, access, sharing })),
      ),
    )
    // Made by a system call, which offers reads alone.
    .filter(({ scenario, access }) => scenario.name !== "past-the-end" || access === "read");
  const machines = new Machines(content.length);
  const scratch = new Uint8Array(content.length);
  const warm = new Set<ScenarioName>();
  const cells: Cell[] = [];
  try {
    for (const [done, { scenario, access, sharing }] of rows.entries()) {
      options.progress(`${scenario.name}, ${access}, ${sharing}`, done, rows.length);
      const row =
        scenario.name === "past-the-end"
          ? pastTheEndCells(machines, targets, scenario, sharing)
          : timedCells(
              machines,
              targets,
              scenario,
              new Expected(scenario, access, sharing, content, PAGE_SIZE, scratch),
              sharing,
              pages,
              rounds,
              warm.has(scenario.name) ? 0 : WARM_UP_TOUCHES,
            );
      warm.add(scenario.name);
      cells.push(...row);
    }
  } finally {
    machines.shutdown();
  }
  return {
    kernel,
    machine: {
      cpu: cpus()[0]?.model.trim() ?? "unknown",
      cores: cpus().length,
      node: process.version,
    },
    memory: { file: options.memoryFile, bytes: content.length },
    pages: content.length / PAGE_SIZE,
    order,
    rounds,
    cells,
    knowHandleUserfault: knowHandleUserfault(targets),
  };
}

export function runningKernel(): RunningKernel {
  const { userfaultfd, why, mend } = whatLinuxOffers();
  return userfaultfd ? { release: release(), userfaultfd } : { release: release(), userfaultfd, why, mend };
}

/** Page indexes: in order, or shuffled the same way in every run. */
export function pageOrder(pages: number, order: Order): Uint32Array {
  const indexes = Uint32Array.from({ length: pages }, (_, page) => page);
  return order === "sequential" ? indexes : shuffle(indexes);
}

const generator = xoroshiro128plus(1);

/** Shuffles in place (Fisher-Yates). The same in every run of the program. */
function shuffle<T extends unknown[] | Uint32Array>(items: T): T {
  for (let last = items.length - 1; last > 0; last--) {
    const other = uniformInt(generator, 0, last);
    [items[last], items[other]] = [items[other], items[last]];
  }
  return items;
}

interface MachineAndThread {
  readonly machine: Machine;
  /** Which touches. */
  readonly thread: Thread;
}

/**
 * The running kernel, and one executable kernel for all placements: they differ in the code that runs, and not in where their memory
 * happens to lie, which would be 15 % of a fault and the same in every round.
 */
class Machines {
  #executable: (MachineAndThread & { readonly machine: ExecutableMachine }) | null = null;
  #linux: MachineAndThread | null = null;

  constructor(readonly bytes: number) {}

  get(target: TargetName, faultAround: boolean): MachineAndThread {
    const placement = placementOf(target);
    if (placement === null) {
      this.#linux ??= withThread(new LinuxMachine({ oneCpu: true }));
      return this.#linux;
    }
    this.#executable ??= withThread(executable(placement, this.bytes));
    const { kernel } = this.#executable.machine;
    kernel.placement = placement;
    kernel.faultAroundBytes = faultAround ? FAULT_AROUND_BYTES : PAGE_SIZE;
    return this.#executable;
  }

  shutdown(): void {
    this.#executable?.machine.shutdown();
    this.#linux?.machine.shutdown();
  }
}

function withThread<M extends Machine>(machine: M): { readonly machine: M; readonly thread: Thread } {
  return { machine, thread: machine.thread() };
}

function executable(placement: Placement, bytes: number): ExecutableMachine {
  return new kernelDirect.ExecutableMachine(
    {
      placement,
      // The file, what COPY reads from, and a private copy of each page.
      memoryBytes: 3 * bytes + 16 * PAGE_SIZE,
      pageSize: PAGE_SIZE,
    },
    () => performance.now() * 1e6,
  );
}

function ledgerOf(machine: Machine): Ledger | null {
  return machine instanceof kernelDirect.ExecutableMachine ? machine.kernel.ledger : null;
}

function pastTheEndCells(
  machines: Machines,
  targets: readonly TargetName[],
  scenario: Scenario & { name: ScenarioName },
  sharing: Sharing,
): Cell[] {
  return targets.map((target) => {
    const { machine, thread } = machines.get(target, scenario.faultAround);
    const { missingMessages, minorMessages, outcome, verified } = pastTheEnd(
      machine,
      thread,
      scenario,
      sharing,
    );
    return {
      scenario: scenario.name,
      access: "read",
      sharing,
      target,
      faults: 1,
      messages: missingMessages + minorMessages,
      missingMessages,
      minorMessages,
      verified,
      nsPerFault: null,
      ratio: null,
      ledger: null,
      outcome,
    };
  });
}

function timedCells(
  machines: Machines,
  targets: readonly TargetName[],
  scenario: Scenario & { name: ScenarioName },
  expected: Expected,
  sharing: Sharing,
  order: Uint32Array,
  rounds: number,
  warmUpTouches: number,
): Cell[] {
  // A file for each machine, which all its targets use in turn.
  const files = new Map<Machine, ScenarioRun>();
  const runs = targets
    .filter((target) => target !== "kernel" || scenario.faultAround)
    .map((target) => {
      const { machine, thread } = machines.get(target, scenario.faultAround);
      const run = files.get(machine) ?? new ScenarioRun(machine, thread, scenario, sharing, expected);
      files.set(machine, run);
      return { target, run, ledger: ledgerOf(machine), counted: zeroLedger(), rounds: [] as Round[] };
    });
  const some = order.subarray(0, WARM_UP_PAGES);
  // Each run of a target stores something else: what one fails to store, another has not stored before.
  let step = 0;
  let touches = 0;
  for (let round = 0; round === 0 || (touches < warmUpTouches && round < WARM_UP_ROUNDS); round++) {
    for (const { target, run, ledger } of runs) {
      // The running kernel is compiled.
      if (ledger === null && round > 0) continue;
      expected.prepare(step++);
      machines.get(target, scenario.faultAround);
      run.round(some, false, nothing, nothing);
      if (ledger !== null) touches += some.length;
    }
  }
  for (let round = 0; round < rounds; round++) {
    for (const { target, run, ledger, counted, rounds: results } of shuffle([...runs])) {
      expected.prepare(step++);
      machines.get(target, scenario.faultAround);
      const result = run.round(
        order,
        round === rounds - 1,
        () => ledger?.reset(),
        () => {
          if (ledger !== null) Object.assign(counted, entries(ledger));
        },
      );
      results.push(result);
    }
  }
  for (const file of files.values()) file.end();

  const cells = runs.map(({ target, ledger, counted, rounds: timed }): Cell => {
    const faults = Math.min(...timed.map(({ touch }) => touch.faults));
    const { missingMessages, minorMessages } = timed[0]!;
    return {
      scenario: scenario.name,
      access: expected.access,
      sharing,
      target,
      faults,
      messages: missingMessages + minorMessages,
      missingMessages,
      minorMessages,
      verified: timed.every(
        (round) =>
          round.verified &&
          round.missingMessages === expected.missingMessages &&
          round.minorMessages === expected.minorMessages,
      ),
      nsPerFault: spread(timed.map(({ touch }) => touch.nanoseconds / order.length)),
      ratio: null,
      ledger: ledger === null ? null : perFault(counted, faults),
    };
  });
  const base = cells.find(({ target }) => target === "in-fault")?.nsPerFault?.median;
  return cells.map((cell) => ({
    ...cell,
    ratio: base === undefined ? null : cell.nsPerFault!.median / base,
  }));
}

type Counts = Record<LedgerEntry, number>;

function entries(ledger: Ledger): Counts {
  return Object.fromEntries(ledgerEntries.map((entry) => [entry, ledger[entry]])) as Counts;
}

function zeroLedger(): Counts {
  return Object.fromEntries(ledgerEntries.map((entry) => [entry, 0])) as Counts;
}

function perFault(counts: Counts, faults: number): Counts {
  return Object.fromEntries(ledgerEntries.map((entry) => [entry, counts[entry] / faults])) as Counts;
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return {
    median: sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2,
    min: sorted[0]!,
    max: sorted.at(-1)!,
  };
}
