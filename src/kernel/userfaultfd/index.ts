export * from "./context.js";
export * from "./handle-userfault.js";
export * from "./ioctl.js";
export * from "./mfill-atomic.js";
export * from "./read.js";
export * from "./register.js";
