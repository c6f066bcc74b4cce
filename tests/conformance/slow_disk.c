/* Preloaded into a server (see slow_disk.py): syncs take as long as they do on
 * a disk that is busy. The data is in the kernel meanwhile, and the server
 * waits, as it would; one sync in four takes the whole of SLOW_DISK_MS, the
 * others a small part of it. Nothing is left out and nothing is made up. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static atomic_uint syncs;

static void be_slow(void) {
  const char *text = getenv("SLOW_DISK_MS");
  long most = text ? atol(text) : 0;
  unsigned number = atomic_fetch_add(&syncs, 1);
  long ms = number % 4 == 0 ? most : most / 16;
  struct timespec left = {ms / 1000, ms % 1000 * 1000000};
  while (nanosleep(&left, &left) != 0)
    ;
}

static int slow_sync(const char *name, int fd) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  be_slow();
  return real(fd);
}

int fsync(int fd) { return slow_sync("fsync", fd); }
int fdatasync(int fd) { return slow_sync("fdatasync", fd); }
