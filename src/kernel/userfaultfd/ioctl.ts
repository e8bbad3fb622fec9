/**
 * The ioctls of a userfaultfd: arguments in, checks in the kernel's order, results out.
 */
import {
  _UFFDIO,
  EAGAIN,
  EINVAL,
  readInt64,
  UFFD_API,
  UFFD_FEATURE,
  UFFDIO_API,
  UFFDIO_CONTINUE,
  UFFDIO_CONTINUE_MODE_DONTWAKE,
  UFFDIO_CONTINUE_MODE_WP,
  UFFDIO_COPY,
  UFFDIO_COPY_MODE_DONTWAKE,
  UFFDIO_COPY_MODE_WP,
  UFFDIO_REGISTER,
  UFFDIO_UNREGISTER,
  UFFDIO_WAKE,
  UFFDIO_ZEROPAGE,
  UFFDIO_ZEROPAGE_MODE_DONTWAKE,
  uffdioApi,
  uffdioContinue,
  uffdioCopy,
  uffdioRange,
  uffdioRegister,
  uffdioZeropage,
  writeInt64,
} from "../../abi/index.js";
import type { CopyFromUser } from "../memory/index.js";
import type { Stoppable, Task } from "../tasks/index.js";
import type { UserfaultfdContext } from "./context.js";
import { type Fill, mfillAtomic } from "./mfill-atomic.js";
import {
  hasUnknownBits,
  rangeIoctls,
  userfaultfdRegister,
  userfaultfdUnregister,
  validateRange,
  validateUnalignedRange,
} from "./register.js";
import { wakeUserfault } from "./wake-userfault.js";

/** What this kernel offers of UFFD_FEATURE. The running kernel offers all of them. */
export const UFFD_API_FEATURES =
  UFFD_FEATURE.MISSING_SHMEM |
  UFFD_FEATURE.MINOR_SHMEM |
  UFFD_FEATURE.SIGBUS |
  UFFD_FEATURE.THREAD_ID |
  UFFD_FEATURE.EXACT_ADDRESS;

const UFFD_API_IOCTLS =
  (1n << BigInt(_UFFDIO.REGISTER)) | (1n << BigInt(_UFFDIO.UNREGISTER)) | (1n << BigInt(_UFFDIO.API));

const ZEROPAGE: Fill = { kind: "zeropage", wp: false };
const CONTINUE: Fill = { kind: "continue", wp: false };
const CONTINUE_WP: Fill = { kind: "continue", wp: true };

/** userfaultfd_ioctl(): 0, or minus an errno. */
export function* userfaultfdIoctl(
  current: Task,
  ctx: UserfaultfdContext,
  request: number,
  argument: DataView,
  copyFromUser: CopyFromUser,
): Stoppable<number> {
  if (request !== UFFDIO_API && !ctx.initialized) return -EINVAL;
  switch (request) {
    case UFFDIO_API:
      return userfaultfdApi(ctx, argument);
    case UFFDIO_REGISTER: {
      const { start, len, mode } = uffdioRegister.read(argument);
      const error = yield* userfaultfdRegister(current, ctx, start, len, mode);
      if (error === 0) uffdioRegister.write(argument, { ioctls: rangeIoctls(mode) });
      return error;
    }
    case UFFDIO_UNREGISTER: {
      const { start, len } = uffdioRange.read(argument);
      return yield* userfaultfdUnregister(current, ctx, start, len);
    }
    case UFFDIO_WAKE: {
      const { start, len } = uffdioRange.read(argument);
      const invalid = validateRange(ctx.mm, start, len);
      if (invalid) return invalid;
      yield* wakeUserfault(current, ctx, start, len);
      return 0;
    }
    case UFFDIO_COPY:
      return yield* userfaultfdCopy(current, ctx, argument, copyFromUser);
    case UFFDIO_ZEROPAGE:
      return yield* userfaultfdZeropage(current, ctx, argument, copyFromUser);
    case UFFDIO_CONTINUE:
      return yield* userfaultfdContinue(current, ctx, argument, copyFromUser);
    default:
      return -EINVAL;
  }
}

/** On failure the struct is zeroed, and the same userfaultfd can be asked again; after a success it cannot. */
function userfaultfdApi(ctx: UserfaultfdContext, argument: DataView): number {
  const { api, features } = uffdioApi.read(argument);
  if (
    api !== UFFD_API ||
    features % 2 ** 32 !== features ||
    features & ~UFFD_API_FEATURES ||
    ctx.initialized
  ) {
    uffdioApi.write(argument, { api: 0, features: 0, ioctls: 0n });
    return -EINVAL;
  }
  uffdioApi.write(argument, { features: UFFD_API_FEATURES, ioctls: UFFD_API_IOCTLS });
  ctx.features = features;
  ctx.initialized = true;
  return 0;
}

function* userfaultfdCopy(
  current: Task,
  ctx: UserfaultfdContext,
  argument: DataView,
  copyFromUser: CopyFromUser,
): Stoppable<number> {
  const dst = readInt64(argument, uffdioCopy.fields.dst[0]);
  const source = readInt64(argument, uffdioCopy.fields.src[0]);
  const len = readInt64(argument, uffdioCopy.fields.len[0]);
  const mode = readInt64(argument, uffdioCopy.fields.mode[0]);
  const invalid = validateUnalignedRange(ctx.mm, source, len) || validateRange(ctx.mm, dst, len);
  if (invalid) return invalid;
  if (hasUnknownBits(mode, UFFDIO_COPY_MODE_DONTWAKE | UFFDIO_COPY_MODE_WP)) return -EINVAL;
  const wp = (mode & UFFDIO_COPY_MODE_WP) !== 0;
  const done = yield* mfillAtomic(current, ctx, dst, len, { kind: "copy", source, wp }, copyFromUser);
  writeInt64(argument, uffdioCopy.fields.copy[0], done);
  return yield* wakeFilled(current, ctx, dst, len, done, mode & UFFDIO_COPY_MODE_DONTWAKE);
}

function* userfaultfdZeropage(
  current: Task,
  ctx: UserfaultfdContext,
  argument: DataView,
  copyFromUser: CopyFromUser,
): Stoppable<number> {
  const start = readInt64(argument, uffdioZeropage.fields.start[0]);
  const len = readInt64(argument, uffdioZeropage.fields.len[0]);
  const mode = readInt64(argument, uffdioZeropage.fields.mode[0]);
  const invalid = validateRange(ctx.mm, start, len);
  if (invalid) return invalid;
  if (hasUnknownBits(mode, UFFDIO_ZEROPAGE_MODE_DONTWAKE)) return -EINVAL;
  const done = yield* mfillAtomic(current, ctx, start, len, ZEROPAGE, copyFromUser);
  writeInt64(argument, uffdioZeropage.fields.zeropage[0], done);
  return yield* wakeFilled(current, ctx, start, len, done, mode & UFFDIO_ZEROPAGE_MODE_DONTWAKE);
}

function* userfaultfdContinue(
  current: Task,
  ctx: UserfaultfdContext,
  argument: DataView,
  copyFromUser: CopyFromUser,
): Stoppable<number> {
  const start = readInt64(argument, uffdioContinue.fields.start[0]);
  const len = readInt64(argument, uffdioContinue.fields.len[0]);
  const mode = readInt64(argument, uffdioContinue.fields.mode[0]);
  const invalid = validateRange(ctx.mm, start, len);
  if (invalid) return invalid;
  if (hasUnknownBits(mode, UFFDIO_CONTINUE_MODE_DONTWAKE | UFFDIO_CONTINUE_MODE_WP)) return -EINVAL;
  const fill = mode & UFFDIO_CONTINUE_MODE_WP ? CONTINUE_WP : CONTINUE;
  const done = yield* mfillAtomic(current, ctx, start, len, fill, copyFromUser);
  writeInt64(argument, uffdioContinue.fields.mapped[0], done);
  return yield* wakeFilled(current, ctx, start, len, done, mode & UFFDIO_CONTINUE_MODE_DONTWAKE);
}

/** What every fill does with its result: wakes exactly what was done, and answers EAGAIN where that is not all. */
function* wakeFilled(
  current: Task,
  ctx: UserfaultfdContext,
  start: number,
  len: number,
  done: number,
  dontwake: number,
): Stoppable<number> {
  if (done < 0) return done;
  if (!dontwake) yield* wakeUserfault(current, ctx, start, done);
  return done === len ? 0 : -EAGAIN;
}
