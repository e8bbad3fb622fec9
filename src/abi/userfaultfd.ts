/**
 * userfaultfd's binary interface (include/uapi/linux/userfaultfd.h, Linux 6.18): numbers and structs.
 */
import { Struct } from "./struct.js";

export const UFFD_API = 0xaa;

/** Flag of the userfaultfd system call: faults taken in kernel mode are refused, and no privilege is needed. */
export const UFFD_USER_MODE_ONLY = 1;

/** Feature bits of UFFDIO_API, by name without the prefix UFFD_FEATURE_. */
export const UFFD_FEATURE = {
  PAGEFAULT_FLAG_WP: 1 << 0,
  EVENT_FORK: 1 << 1,
  EVENT_REMAP: 1 << 2,
  EVENT_REMOVE: 1 << 3,
  MISSING_HUGETLBFS: 1 << 4,
  MISSING_SHMEM: 1 << 5,
  EVENT_UNMAP: 1 << 6,
  SIGBUS: 1 << 7,
  THREAD_ID: 1 << 8,
  MINOR_HUGETLBFS: 1 << 9,
  MINOR_SHMEM: 1 << 10,
  EXACT_ADDRESS: 1 << 11,
  WP_HUGETLBFS_SHMEM: 1 << 12,
  WP_UNPOPULATED: 1 << 13,
  POISON: 1 << 14,
  WP_ASYNC: 1 << 15,
  MOVE: 1 << 16,
} as const;
export type FeatureName = keyof typeof UFFD_FEATURE;

/** Bit numbers of the ioctls, as UFFDIO_API and UFFDIO_REGISTER report them in their `ioctls` field. */
export const _UFFDIO = {
  REGISTER: 0x00,
  UNREGISTER: 0x01,
  WAKE: 0x02,
  COPY: 0x03,
  ZEROPAGE: 0x04,
  MOVE: 0x05,
  WRITEPROTECT: 0x06,
  CONTINUE: 0x07,
  POISON: 0x08,
  API: 0x3f,
} as const;
export type IoctlName = keyof typeof _UFFDIO;

export const UFFDIO_REGISTER_MODE_MISSING = 1 << 0;
export const UFFDIO_REGISTER_MODE_WP = 1 << 1;
export const UFFDIO_REGISTER_MODE_MINOR = 1 << 2;

export const UFFDIO_COPY_MODE_DONTWAKE = 1 << 0;
export const UFFDIO_COPY_MODE_WP = 1 << 1;
export const UFFDIO_ZEROPAGE_MODE_DONTWAKE = 1 << 0;
export const UFFDIO_CONTINUE_MODE_DONTWAKE = 1 << 0;
export const UFFDIO_CONTINUE_MODE_WP = 1 << 1;
export const UFFDIO_WRITEPROTECT_MODE_WP = 1 << 0;
export const UFFDIO_WRITEPROTECT_MODE_DONTWAKE = 1 << 1;
export const UFFDIO_POISON_MODE_DONTWAKE = 1 << 0;
export const UFFDIO_MOVE_MODE_DONTWAKE = 1 << 0;
export const UFFDIO_MOVE_MODE_ALLOW_SRC_HOLES = 1 << 1;

export const uffdioApi = new Struct("uffdio_api", 24, {
  api: [0, "u64"],
  features: [8, "u64"],
  ioctls: [16, "bits64"],
});
export const uffdioRange = new Struct("uffdio_range", 16, { start: [0, "u64"], len: [8, "u64"] });
export const uffdioRegister = new Struct("uffdio_register", 32, {
  start: [0, "u64"],
  len: [8, "u64"],
  mode: [16, "u64"],
  ioctls: [24, "bits64"],
});
export const uffdioCopy = new Struct("uffdio_copy", 40, {
  dst: [0, "u64"],
  src: [8, "u64"],
  len: [16, "u64"],
  mode: [24, "u64"],
  copy: [32, "s64"],
});
export const uffdioZeropage = new Struct("uffdio_zeropage", 32, {
  start: [0, "u64"],
  len: [8, "u64"],
  mode: [16, "u64"],
  zeropage: [24, "s64"],
});
export const uffdioContinue = new Struct("uffdio_continue", 32, {
  start: [0, "u64"],
  len: [8, "u64"],
  mode: [16, "u64"],
  mapped: [24, "s64"],
});
export const uffdioWriteprotect = new Struct("uffdio_writeprotect", 24, {
  start: [0, "u64"],
  len: [8, "u64"],
  mode: [16, "u64"],
});
export const uffdioPoison = new Struct("uffdio_poison", 32, {
  start: [0, "u64"],
  len: [8, "u64"],
  mode: [16, "u64"],
  updated: [24, "s64"],
});
export const uffdioMove = new Struct("uffdio_move", 40, {
  dst: [0, "u64"],
  src: [8, "u64"],
  len: [16, "u64"],
  mode: [24, "u64"],
  move: [32, "s64"],
});

/** _IOWR(0xAA, nr, size) and _IOR(0xAA, nr, size), as include/uapi/asm-generic/ioctl.h packs them. */
const iowr = (nr: number, size: number) => (0xc0000000 | (size << 16) | (UFFD_API << 8) | nr) >>> 0;
const ior = (nr: number, size: number) => (0x80000000 | (size << 16) | (UFFD_API << 8) | nr) >>> 0;

export const UFFDIO_API = iowr(_UFFDIO.API, uffdioApi.size);
export const UFFDIO_REGISTER = iowr(_UFFDIO.REGISTER, uffdioRegister.size);
export const UFFDIO_UNREGISTER = ior(_UFFDIO.UNREGISTER, uffdioRange.size);
export const UFFDIO_WAKE = ior(_UFFDIO.WAKE, uffdioRange.size);
export const UFFDIO_COPY = iowr(_UFFDIO.COPY, uffdioCopy.size);
export const UFFDIO_ZEROPAGE = iowr(_UFFDIO.ZEROPAGE, uffdioZeropage.size);
export const UFFDIO_MOVE = iowr(_UFFDIO.MOVE, uffdioMove.size);
export const UFFDIO_WRITEPROTECT = iowr(_UFFDIO.WRITEPROTECT, uffdioWriteprotect.size);
export const UFFDIO_CONTINUE = iowr(_UFFDIO.CONTINUE, uffdioContinue.size);
export const UFFDIO_POISON = iowr(_UFFDIO.POISON, uffdioPoison.size);

/** The ioctl of /dev/userfaultfd that makes a userfaultfd: _IO(0xAA, 0). */
export const USERFAULTFD_IOC_NEW = (UFFD_API << 8) | 0;
