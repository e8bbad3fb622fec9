/**
 * The worker behind a LinuxThread.
 *
 * The kernel accounts every page fault of this thread to it, V8's own among them. So what lies between two samples allocates
 * nothing (numbers stay small integers, or go into buffers); and LinuxThread has all of it run until it is compiled.
 * What is left, measured: 1 of 12,000 touches counted some of V8's; with three busy processes on two CPUs, 5 of 2,280 (it compiles
 * beside the program, and may be late).
 */
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE } from "../abi/index.js";
import { loadLibc } from "./libc.js";
import { Shared, STATE, type ThreadData, type Touch, type TouchResult } from "./thread-protocol.js";

const { memory, finished, from, into } = workerData as ThreadData;
const shared = new Shared(memory);
const libc = loadLibc();
const pageSize = libc.pageSize();

/** A view may not be above 4 GiB on Node 20; and an offset in a slice is a small integer of V8's. */
const SLICE_BYTES = 2 ** 30;
const sliceShift = Math.log2(SLICE_BYTES / pageSize);
const sliceMask = SLICE_BYTES / pageSize - 1;

/** Loads or stores a byte of each page. */
function access(slices: readonly Uint8Array[], order: Uint32Array, bytes: Uint8Array, store: boolean): void {
  if (store) {
    for (let i = 0; i < order.length; i++) {
      const page = order[i]!;
      slices[page >>> sliceShift]![(page & sliceMask) * pageSize] = bytes[page]!;
    }
  } else {
    for (let i = 0; i < order.length; i++) {
      const page = order[i]!;
      bytes[page] = slices[page >>> sliceShift]![(page & sliceMask) * pageSize]!;
    }
  }
}

/** Bytes that go through the pipe before it is drained; it holds 16 pages. */
const PIPE_BATCH = 4096;
const drained = new Uint8Array(new ArrayBuffer(PIPE_BATCH));
/** A struct iovec of one byte. Its address goes in as two halves: as an argument of write() every address would be an allocation. */
const iovec = new Uint32Array(new ArrayBuffer(16));
iovec[2] = 1;

/** Copies a byte of each page from `first` on into the pipe, by one system call for each. 0, or minus an errno. */
function accessBySystemCall(address: number, order: Uint32Array, first: number, end: number): number {
  for (let i = first; i < end; i++) {
    const at = address + order[i]! * pageSize;
    iovec[0] = at;
    iovec[1] = at / 2 ** 32;
    const result = libc.writev(into, iovec, 1);
    if (result < 0) return result;
  }
  return 0;
}

const RUSAGE_THREAD = 1;
const CLOCK_MONOTONIC = 1;
/** struct rusage as int32: the low words of ru_minflt and ru_majflt. */
const MINFLT = 64 / 4;
const MAJFLT = 72 / 4;

class Sample {
  readonly usage = new Int32Array(new ArrayBuffer(144));
  readonly time = new BigInt64Array(new ArrayBuffer(16));

  start(): void {
    libc.getrusage(RUSAGE_THREAD, this.usage);
    libc.clock_gettime(CLOCK_MONOTONIC, this.time);
  }
  stop(): void {
    libc.clock_gettime(CLOCK_MONOTONIC, this.time);
    libc.getrusage(RUSAGE_THREAD, this.usage);
  }
  nanosecondsSince({ time }: Sample): number {
    return Number((this.time[0]! - time[0]!) * 1_000_000_000n + this.time[1]! - time[1]!);
  }
  faultsSince({ usage }: Sample): number {
    return this.usage[MINFLT]! - usage[MINFLT]! + this.usage[MAJFLT]! - usage[MAJFLT]!;
  }
}
const before = new Sample();
const after = new Sample();

function run(touch: Touch): TouchResult {
  // The first store to shared memory is a fault, too.
  for (const page of touch.order) Atomics.or(touch.bytes, page, 0);
  return touch.throughSystemCall ? runBySystemCalls(touch) : runByLoadsOrStores(touch);
}

function runByLoadsOrStores({ address, order, access: kind, bytes }: Touch): TouchResult {
  const slices = slicesOf(address, order);
  const store = kind === "write";
  before.start();
  access(slices, order, bytes, store);
  after.stop();
  return { result: 0, nanoseconds: after.nanosecondsSince(before), faults: after.faultsSince(before) };
}

function runBySystemCalls({ address, order, bytes }: Touch): TouchResult {
  let result = 0;
  let nanoseconds = 0;
  let faults = 0;
  for (let first = 0; first < order.length && result === 0; first += PIPE_BATCH) {
    const end = Math.min(first + PIPE_BATCH, order.length);
    before.start();
    result = accessBySystemCall(address, order, first, end);
    after.stop();
    nanoseconds += after.nanosecondsSince(before);
    faults += after.faultsSince(before);
    // -EAGAIN where the first access failed already.
    const count = libc.read(from, drained, PIPE_BATCH);
    for (let i = 0; i < count; i++) bytes[order[first + i]!] = drained[i]!;
  }
  return { result, nanoseconds, faults };
}

/** The mapping up to the last page touched. */
function slicesOf(address: number, order: Uint32Array): Uint8Array[] {
  let pages = 0;
  for (const page of order) pages = Math.max(pages, page + 1);
  const length = pages * pageSize;
  const slices: Uint8Array[] = [];
  for (let at = 0; at < length; at += SLICE_BYTES)
    slices.push(libc.view(address + at, Math.min(length - at, SLICE_BYTES)));
  return slices;
}

const one = new Uint8Array(new BigUint64Array([1n]).buffer);

function perform(touch: Touch): void {
  shared.results = run(touch);
  libc.write(finished, one, one.length);
}

function receive(): Touch | undefined {
  return receiveMessageOnPort(parentPort!)?.message;
}

/** Enough for V8 to compile what runs once a touch. */
const WARM_UP_TOUCHES = 3000;

/** Touches a page of its own, so often that nothing is left to compile; LinuxThread has the loops warmed up afterwards. */
function warmUp(): void {
  const address = libc.mmap(0, pageSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address < 0) return;
  const page = { address, order: Uint32Array.of(0) };
  const bytes = new Uint8Array(new SharedArrayBuffer(1));
  // Cloned, as touches that come through the port are: code compiled for one shape of object is thrown away at the next.
  const touches: Touch[] = structuredClone([
    { ...page, access: "write", bytes, throughSystemCall: false },
    { ...page, access: "read", bytes, throughSystemCall: false },
    { ...page, access: "read", bytes, throughSystemCall: true },
  ]);
  for (let i = 0; i < WARM_UP_TOUCHES; i++) perform(receive() ?? touches[i % touches.length]!);
  libc.read(finished, drained, one.length);
  libc.munmap(address, pageSize);
}

warmUp();
let state: number = STATE.STARTING;
for (;;) {
  // Unless the control thread has ended this one meanwhile.
  Atomics.compareExchange(shared.state, 0, state, STATE.IDLE);
  Atomics.notify(shared.state, 0);
  Atomics.wait(shared.state, 0, STATE.IDLE);
  if (Atomics.load(shared.state, 0) !== STATE.BUSY) break;
  perform(receive()!);
  state = STATE.BUSY;
}
