export * from "./lock.js";
export * from "./scheduler.js";
export * from "./sequence-count.js";
export * from "./task.js";
export * from "./wait-queue.js";
