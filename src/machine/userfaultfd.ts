/**
 * A userfaultfd of either kernel: its ioctls by name. Structs are allocated once; a call allocates nothing.
 */
import {
  type MessageBuffer,
  readInt64,
  type Struct,
  UFFD_API,
  UFFD_MSG_SIZE,
  UFFDIO_API,
  UFFDIO_CONTINUE,
  UFFDIO_COPY,
  UFFDIO_REGISTER,
  UFFDIO_UNREGISTER,
  UFFDIO_WAKE,
  UFFDIO_ZEROPAGE,
  uffdioApi,
  uffdioContinue,
  uffdioCopy,
  uffdioRange,
  uffdioRegister,
  uffdioZeropage,
  writeInt64,
} from "../abi/index.js";
import type { Machine } from "./machine.js";

export class Userfaultfd {
  readonly #api = uffdioApi.allocate();
  readonly #register = uffdioRegister.allocate();
  readonly #range = uffdioRange.allocate();
  readonly #copy = uffdioCopy.allocate();
  readonly #zeropage = uffdioZeropage.allocate();
  readonly #continue = uffdioContinue.allocate();

  constructor(
    readonly machine: Machine,
    readonly fd: number,
  ) {}

  /** UFFDIO_API. On success `features` and `ioctls` say what this kernel offers. */
  api(features: number, api = UFFD_API): number {
    uffdioApi.write(this.#api, { api, features });
    return this.machine.ioctl(this.fd, UFFDIO_API, this.#api);
  }
  get features(): number {
    return uffdioApi.read(this.#api).features;
  }
  get ioctls(): bigint {
    return uffdioApi.read(this.#api).ioctls;
  }

  /** UFFDIO_REGISTER; mode is UFFDIO_REGISTER_MODE_*. */
  register(start: number, len: number, mode: number): number {
    uffdioRegister.write(this.#register, { start, len, mode });
    return this.machine.ioctl(this.fd, UFFDIO_REGISTER, this.#register);
  }
  /** What the last REGISTER said may be done in its range: bits numbered by _UFFDIO. */
  get rangeIoctls(): bigint {
    return uffdioRegister.read(this.#register).ioctls;
  }

  unregister(start: number, len: number): number {
    uffdioRange.write(this.#range, { start, len });
    return this.machine.ioctl(this.fd, UFFDIO_UNREGISTER, this.#range);
  }

  wake(start: number, len: number): number {
    uffdioRange.write(this.#range, { start, len });
    return this.machine.ioctl(this.fd, UFFDIO_WAKE, this.#range);
  }

  copy(dst: number, src: number, len: number, mode = 0): number {
    const view = this.#copy;
    fill(view, uffdioCopy, "dst", dst);
    fill(view, uffdioCopy, "src", src);
    fill(view, uffdioCopy, "len", len);
    fill(view, uffdioCopy, "mode", mode);
    return this.machine.ioctl(this.fd, UFFDIO_COPY, view);
  }
  /** COPY's out field: bytes copied, or minus an errno; what was in it before where the kernel does not write it. */
  get copied(): number {
    return readInt64(this.#copy, uffdioCopy.fields.copy[0]);
  }
  set copied(value: number) {
    fill(this.#copy, uffdioCopy, "copy", value);
  }

  zeropage(start: number, len: number, mode = 0): number {
    const view = this.#zeropage;
    fill(view, uffdioZeropage, "start", start);
    fill(view, uffdioZeropage, "len", len);
    fill(view, uffdioZeropage, "mode", mode);
    return this.machine.ioctl(this.fd, UFFDIO_ZEROPAGE, view);
  }
  /** ZEROPAGE's out field. */
  get zeroed(): number {
    return readInt64(this.#zeropage, uffdioZeropage.fields.zeropage[0]);
  }
  set zeroed(value: number) {
    fill(this.#zeropage, uffdioZeropage, "zeropage", value);
  }

  continue(start: number, len: number, mode = 0): number {
    const view = this.#continue;
    fill(view, uffdioContinue, "start", start);
    fill(view, uffdioContinue, "len", len);
    fill(view, uffdioContinue, "mode", mode);
    return this.machine.ioctl(this.fd, UFFDIO_CONTINUE, view);
  }
  /** CONTINUE's out field. */
  get mapped(): number {
    return readInt64(this.#continue, uffdioContinue.fields.mapped[0]);
  }
  set mapped(value: number) {
    fill(this.#continue, uffdioContinue, "mapped", value);
  }

  /** How many messages were read, or minus an errno. */
  read(messages: MessageBuffer): number {
    const bytes = this.machine.read(this.fd, messages);
    return bytes < 0 ? bytes : bytes / UFFD_MSG_SIZE;
  }

  close(): number {
    return this.machine.close(this.fd);
  }
}

function fill<F extends Record<string, readonly [number, "u64" | "s64"]>>(
  view: DataView,
  struct: Struct<F>,
  field: keyof F,
  value: number,
): void {
  writeInt64(view, struct.fields[field]![0], value);
}
