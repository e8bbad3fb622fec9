/** The running Linux kernel: libc by FFI, real threads. */
export { LinuxMachine } from "./linux-machine.js";
export { type LinuxOffer, whatLinuxOffers } from "./offers.js";
