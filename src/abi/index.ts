export * from "./errno.js";
export * from "./message.js";
export * from "./mman.js";
export * from "./struct.js";
export * from "./userfaultfd.js";
export * from "./vm-fault.js";
