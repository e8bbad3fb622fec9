/**
 * A userfaultfd of either kernel: its ioctls by name. Structs are allocated once; a call allocates nothing.
 */
import {
  type MessageBuffer,
  readInt64,
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

const COPY = uffdioCopy.fields;
const ZEROPAGE = uffdioZeropage.fields;
const CONTINUE = uffdioContinue.fields;

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
    writeInt64(this.#copy, COPY.dst[0], dst);
    writeInt64(this.#copy, COPY.src[0], src);
    writeInt64(this.#copy, COPY.len[0], len);
    writeInt64(this.#copy, COPY.mode[0], mode);
    return this.machine.ioctl(this.fd, UFFDIO_COPY, this.#copy);
  }
  /** COPY's out field: bytes copied, or minus an errno; what was in it before where the kernel does not write it. */
  get copied(): number {
    return readInt64(this.#copy, COPY.copy[0]);
  }
  set copied(value: number) {
    writeInt64(this.#copy, COPY.copy[0], value);
  }

  zeropage(start: number, len: number, mode = 0): number {
    writeInt64(this.#zeropage, ZEROPAGE.start[0], start);
    writeInt64(this.#zeropage, ZEROPAGE.len[0], len);
    writeInt64(this.#zeropage, ZEROPAGE.mode[0], mode);
    return this.machine.ioctl(this.fd, UFFDIO_ZEROPAGE, this.#zeropage);
  }
  /** ZEROPAGE's out field. */
  get zeroed(): number {
    return readInt64(this.#zeropage, ZEROPAGE.zeropage[0]);
  }
  set zeroed(value: number) {
    writeInt64(this.#zeropage, ZEROPAGE.zeropage[0], value);
  }

  continue(start: number, len: number, mode = 0): number {
    writeInt64(this.#continue, CONTINUE.start[0], start);
    writeInt64(this.#continue, CONTINUE.len[0], len);
    writeInt64(this.#continue, CONTINUE.mode[0], mode);
    return this.machine.ioctl(this.fd, UFFDIO_CONTINUE, this.#continue);
  }
  /** CONTINUE's out field. */
  get mapped(): number {
    return readInt64(this.#continue, CONTINUE.mapped[0]);
  }
  set mapped(value: number) {
    writeInt64(this.#continue, CONTINUE.mapped[0], value);
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
