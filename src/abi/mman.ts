/** Numbers of mmap, madvise, memfd_create and fallocate (x86-64 and arm64 Linux). */
export const PROT_NONE = 0;
export const PROT_READ = 1;
export const PROT_WRITE = 2;

export const MAP_SHARED = 0x01;
export const MAP_PRIVATE = 0x02;
/** MAP_SHARED for files, with a check of the other flags. */
export const MAP_SHARED_VALIDATE = 0x03;
export const MAP_ANONYMOUS = 0x20;
export const MAP_POPULATE = 0x8000;

export const MADV_DONTNEED = 4;
export const MADV_REMOVE = 9;
export const MADV_NOHUGEPAGE = 15;
export const MADV_PAGEOUT = 21;
export const MADV_POPULATE_READ = 22;
export const MADV_POPULATE_WRITE = 23;

export const MFD_CLOEXEC = 1;

export const FALLOC_FL_KEEP_SIZE = 0x01;
export const FALLOC_FL_PUNCH_HOLE = 0x02;

export const O_CLOEXEC = 0o2000000;
export const O_NONBLOCK = 0o4000;

export const POLLIN = 0x001;
export const POLLERR = 0x008;
export const POLLHUP = 0x010;

/** x86-64: one past the last address a program may map; an address at or above it is EINVAL. */
export const TASK_SIZE = 2 ** 47 - 4096;

export const SIGBUS = 7;
export const SIGSEGV = 11;
