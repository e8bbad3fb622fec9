/**
 * Whether this machine has a userfaultfd for this process, and if not, what would mend that.
 */
import { existsSync, readFileSync } from "node:fs";
import { release } from "node:os";
import {
  ENOSYS,
  EPERM,
  errnoName,
  O_CLOEXEC,
  O_NONBLOCK,
  UFFD_API,
  UFFD_FEATURE,
  UFFDIO_API,
  uffdioApi,
} from "../abi/index.js";
import { type Libc, loadLibc } from "./libc.js";
import { openUserfaultfd } from "./linux-machine.js";

export interface LinuxOffer {
  /** The kernel's, as uname -r says it. */
  readonly release: string;
  /** There is a userfaultfd, with MISSING and MINOR faults on shmem. */
  readonly userfaultfd: boolean;
  /** One line: what was found. */
  readonly why: string;
  /** What to do about it; "" where nothing is to be done, or nothing helps. */
  readonly mend: string;
}

/** Never throws, and leaves nothing open. */
export function whatLinuxOffers(): LinuxOffer {
  const offer = (userfaultfd: boolean, why: string, mend: string): LinuxOffer => ({
    release: release(),
    userfaultfd,
    why,
    mend,
  });
  const none = (why: string, mend: string) => offer(false, why, mend);

  if (process.platform !== "linux")
    return none(`this is ${process.platform}, not Linux`, "run on Linux, in a virtual machine say");
  if (process.arch !== "x64" && process.arch !== "arm64")
    return none(`${process.arch} is neither x64 nor arm64`, "");
  let libc: Libc;
  try {
    libc = loadLibc();
  } catch (error) {
    return none(`koffi cannot be loaded: ${firstLine(error)}`, "npm install koffi");
  }

  const fd = openUserfaultfd(libc, O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return none(...refusal(fd));
  const argument = uffdioApi.allocate();
  uffdioApi.write(argument, { api: UFFD_API, features: 0 });
  const result = libc.ioctl(fd, UFFDIO_API, argument);
  libc.close(fd);
  if (result < 0) return none(`UFFDIO_API answers ${errnoName(result)}`, "");
  const { features } = uffdioApi.read(argument);
  const lacking = (["MISSING_SHMEM", "MINOR_SHMEM"] as const).filter(
    (name) => !(features & UFFD_FEATURE[name]),
  );
  if (lacking.length > 0)
    return none(`this kernel's userfaultfd lacks ${lacking.join(" and ")}`, "run Linux 5.14 or later");
  return offer(true, "userfaultfd with MISSING and MINOR faults on shmem", "");
}

function refusal(result: number): [why: string, mend: string] {
  switch (result) {
    case -ENOSYS:
      return [
        "userfaultfd answers ENOSYS: a kernel without CONFIG_USERFAULTFD, or a container's seccomp filter",
        "",
      ];
    case -EPERM:
      return process.geteuid?.() === 0 || isFree()
        ? [
            "userfaultfd answers EPERM to a user who may have it: a container's seccomp filter or capabilities",
            "docker run --security-opt seccomp=unconfined --cap-add SYS_PTRACE",
          ]
        : [
            "userfaultfd answers EPERM: it is not for unprivileged users here",
            `sudo sysctl -w vm.unprivileged_userfaultfd=1 (or run as root${
              existsSync("/dev/userfaultfd") ? ", or: sudo setfacl -m u:$USER:rw /dev/userfaultfd" : ""
            })`,
          ];
    default:
      return [`userfaultfd answers ${errnoName(result)}`, ""];
  }
}

/** For users without CAP_SYS_PTRACE. */
function isFree(): boolean {
  try {
    return readFileSync("/proc/sys/vm/unprivileged_userfaultfd", "utf8").trim() === "1";
  } catch {
    return false;
  }
}

const firstLine = (error: unknown) => String(error).split("\n", 1)[0];
