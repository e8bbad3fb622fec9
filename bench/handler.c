/*
 * The peer that handler.ts is measured against: UFFDIO_CONTINUE by a C thread.
 *
 * A memfd of N pages, filled; a second mapping of it registered MINOR; one thread reads one byte of each page in order, one
 * thread handles: one message, one CONTINUE of one page. Prints nanoseconds per page, timed by the thread that faults.
 *
 *   handler PAGES ROUNDS block|look    so many rounds; prints them as JSON
 *   handler PAGES 0 block|look         a round for each line of stdin; prints each
 *
 * block: the handler sleeps in a blocking read(). look: the userfaultfd is O_NONBLOCK, and the handler waits as
 * LinuxMachine.serve() does: it looks for LOOK_NS, giving way each time, before it sleeps; see linux-machine.ts.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LOOK_NS 50e3
#define TURN_NS 1e6
#define CONTESTED_NS 100e6

static const size_t page_size = 4096;
static size_t pages;
static int looking;
static int uffd;
static int finished;
static volatile unsigned char *registered;
static double nanoseconds_per_page;

static void die(const char *what)
{
	fprintf(stderr, "handler: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static void *touch(void *unused)
{
	unsigned wrong = 0;
	double start = now();
	for (size_t page = 0; page < pages; page++)
		wrong += registered[page * page_size] != (unsigned char)page;
	nanoseconds_per_page = (now() - start) / pages;
	if (wrong) {
		fprintf(stderr, "handler: %u pages with wrong bytes\n", wrong);
		exit(1);
	}
	return unused;
}

static void *handle(void *unused)
{
	struct pollfd fds[2] = { { uffd, POLLIN, 0 }, { finished, POLLIN, 0 } };
	double until = 0, contested_until = 0;
	for (size_t served = 0; served < pages;) {
		struct uffd_msg message;
		ssize_t bytes = read(uffd, &message, sizeof message);
		if (bytes < 0 && errno == EAGAIN && looking) {
			double start = now();
			if (until == 0)
				until = start + LOOK_NS;
			if (start > until || start < contested_until) {
				if (poll(fds, 2, 1000) <= 0)
					die("poll");
			} else {
				sched_yield();
				if (now() > start + TURN_NS)
					contested_until = start + CONTESTED_NS;
			}
			continue;
		}
		until = 0;
		if (bytes != sizeof message || message.event != UFFD_EVENT_PAGEFAULT)
			die("read");
		struct uffdio_continue page = { .range = { message.arg.pagefault.address, page_size } };
		if (ioctl(uffd, UFFDIO_CONTINUE, &page) < 0)
			die("UFFDIO_CONTINUE");
		served++;
	}
	return unused;
}

static double one_round(void)
{
	size_t length = pages * page_size;
	int fd = memfd_create("handler", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, length) < 0)
		die("memfd_create");
	unsigned char *filled = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	registered = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (filled == MAP_FAILED || registered == MAP_FAILED)
		die("mmap");
	for (size_t page = 0; page < pages; page++)
		memset(filled + page * page_size, (unsigned char)page, page_size);

	uffd = syscall(SYS_userfaultfd, O_CLOEXEC | (looking ? O_NONBLOCK : 0));
	if (uffd < 0)
		die("userfaultfd");
	finished = eventfd(0, EFD_CLOEXEC);
	struct uffdio_api api = { .api = UFFD_API, .features = UFFD_FEATURE_MINOR_SHMEM };
	if (ioctl(uffd, UFFDIO_API, &api) < 0)
		die("UFFDIO_API");
	struct uffdio_register range = {
		.range = { (uintptr_t)registered, length },
		.mode = UFFDIO_REGISTER_MODE_MINOR,
	};
	if (ioctl(uffd, UFFDIO_REGISTER, &range) < 0)
		die("UFFDIO_REGISTER");

	pthread_t toucher, handler;
	if (pthread_create(&handler, NULL, handle, NULL) || pthread_create(&toucher, NULL, touch, NULL))
		die("pthread_create");
	pthread_join(toucher, NULL);
	pthread_join(handler, NULL);

	close(uffd);
	close(finished);
	munmap((void *)registered, length);
	munmap(filled, length);
	close(fd);
	return nanoseconds_per_page;
}

static int ascending(const void *a, const void *b)
{
	double difference = *(const double *)a - *(const double *)b;
	return (difference > 0) - (difference < 0);
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: handler PAGES ROUNDS block|look\n");
		return 2;
	}
	pages = strtoul(argv[1], NULL, 10);
	size_t rounds = strtoul(argv[2], NULL, 10);
	looking = strcmp(argv[3], "look") == 0;
	if (!rounds) {
		char line[16];
		while (fgets(line, sizeof line, stdin)) {
			printf("%.0f\n", one_round());
			fflush(stdout);
		}
		return 0;
	}
	double *all = calloc(rounds, sizeof *all), *sorted = calloc(rounds, sizeof *sorted);
	if (!pages || !all || !sorted)
		return 2;
	for (size_t round = 0; round < rounds; round++)
		sorted[round] = all[round] = one_round();
	qsort(sorted, rounds, sizeof *sorted, ascending);
	double median = (sorted[(rounds - 1) / 2] + sorted[rounds / 2]) / 2;
	printf("{\"unit\":\"ns per page\",\"pages\":%zu,\"median\":%.0f,\"min\":%.0f,\"max\":%.0f,\"rounds\":[", pages, median,
	       sorted[0], sorted[rounds - 1]);
	for (size_t round = 0; round < rounds; round++)
		printf("%s%.0f", round ? "," : "", all[round]);
	printf("]}\n");
	return 0;
}
