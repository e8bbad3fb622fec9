/**
 * Where a placement promises another behaviour than mainline's: by case, what it answers instead of the running kernel.
 *
 * do-userfault takes every error of its lookup for an absent page. So an access past the end of a file that is registered MISSING
 * raises a message, which neither COPY nor ZEROPAGE can resolve (EFAULT); the access itself fails as it should as soon as nothing
 * is registered any more.
 */
const pastTheEnd = {
  done: { result: "EFAULT", saw: [0], messages: ["MISSING read 2"] },
  calls: ["EFAULT EFAULT", "EFAULT EFAULT", "ok", "ok"],
};

export const promised: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "do-userfault": {
    "past the end of the file, registered MISSING: EFAULT, no message: shared, system call": pastTheEnd,
    "past the end of the file, registered MISSING: EFAULT, no message: private, system call": pastTheEnd,
    "past the end of the file, registered MISSING and MINOR: EFAULT, no message: shared, system call":
      pastTheEnd,
    "past the end of the file, registered MISSING and MINOR: EFAULT, no message: private, system call":
      pastTheEnd,
  },
};
