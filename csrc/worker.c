/* SPDX-License-Identifier: MIT */
/*
 * The process that runs listings. It has one thread and no secrets: it reads a job, forks a child
 * that runs it behind limits and a seccomp filter, and kills whatever the child leaves behind. A
 * job and "exit STATUS" go over the control socket, which the child does not have; results over the
 * other.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jobs.h"

#define JOB_MAX (1u << 17)
#define CHUNK (1u << 15)
#define MEMORY (4ull << 30)

static int control, results;

volatile sig_atomic_t job_stopped;

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define TRAP BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP)
#define PERMIT(call) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##call, 0, 1), ALLOW

/* What dlopen, malloc, clocks, waiting and sending a result need; the rest ends as SIGSYS. */
static bool filter(void)
{
	struct sock_filter rules[] = {
		LOAD(arch),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
		TRAP,
		LOAD(nr),
		PERMIT(rt_sigreturn),
		PERMIT(read),
		PERMIT(pread64),
		PERMIT(close),
		PERMIT(fstat),
		PERMIT(newfstatat),
		PERMIT(mmap),
		PERMIT(munmap),
		PERMIT(mremap),
		PERMIT(mprotect),
		PERMIT(madvise),
		PERMIT(brk),
		PERMIT(rt_sigaction),
		PERMIT(sigaltstack),
		PERMIT(rt_sigprocmask),
		PERMIT(setitimer),
		PERMIT(clock_gettime),
		PERMIT(getrandom),
		PERMIT(exit_group),
		PERMIT(futex),
		PERMIT(clock_nanosleep),
		PERMIT(sched_yield),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_openat, 0, 4),
		LOAD(args[2]),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_WRONLY | O_RDWR | O_CREAT | O_TRUNC, 1, 0),
		ALLOW,
		TRAP,
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_sendto, 0, 3),
		LOAD(args[0]),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)results, 0, 1),
		ALLOW,
		TRAP,
	};
	struct sock_fprog program = { .len = sizeof(rules) / sizeof(*rules), .filter = rules };

	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
}

/* Never more than whoever started us allows. */
static void limit(int resource, rlim_t value)
{
	struct rlimit set;

	if (!getrlimit(resource, &set) && set.rlim_max < value)
		value = set.rlim_max;
	setrlimit(resource, &(struct rlimit){ value, value });
}

const char *job_field(const char *job, const char *name, const char *otherwise)
{
	size_t length = strlen(name);
	const char *line = job;

	for (; *line; line += strlen(line) + 1)
		if (!strncmp(line, name, length) && line[length] == '=')
			return line + length + 1;
	return otherwise;
}

static void send_all(char kind, const char *text, size_t size)
{
	char packet[CHUNK + 1];

	packet[0] = kind;
	while (size) {
		size_t part = size < CHUNK ? size : CHUNK;

		memcpy(packet + 1, text, part);
		if (send(results, packet, part + 1, MSG_NOSIGNAL) < 0)
			_exit(1);
		text += part;
		size -= part;
	}
}

void job_progress(unsigned long count)
{
	char text[24];

	send_all('p', text, snprintf(text, sizeof(text), "%lu", count));
}

void job_string(FILE *out, const char *text)
{
	fputc('"', out);
	for (; text && *text; text++) {
		if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else if ((unsigned char)*text < ' ')
			fprintf(out, "\\u%04x", *text);
		else
			fputc(*text, out);
	}
	fputc('"', out);
}

static void stop(int number)
{
	(void)number;
	job_stopped = 1;
}

void job_offer(const char *text, size_t size)
{
	char packet[CHUNK];

	packet[0] = 's';
	if (size < CHUNK) {
		memcpy(packet + 1, text, size);
		send(results, packet, size + 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	}
}

void job_answer(const char *text, size_t size)
{
	send_all('r', text, size);
	_exit(0);
}

/* Where the system itself runs out of memory, this process goes before the reader's. */
static void go_first(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY);

	if (fd >= 0 && write(fd, "1000", 4) == 4)
		close(fd);
}

static void child(const char *job)
{
	struct sigaction action = { .sa_handler = stop, .sa_flags = SA_ONSTACK };
	char *text = NULL;
	size_t size = 0;
	FILE *out;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(control);
	go_first();
	sigaction(SIGUSR1, &action, NULL);
	limit(RLIMIT_AS, MEMORY);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_FSIZE, 0);
	limit(RLIMIT_NOFILE, 64);
	if (!job_prepare() || !filter())
		_exit(2);
	out = open_memstream(&text, &size);
	job_run(job, out);
	fclose(out);
	job_answer(text, size);
}

/* Waits for the child, its deadline, or a word on the control socket; false when that is closed. */
static bool wait_for(pid_t pid, int milliseconds)
{
	int fd = syscall(SYS_pidfd_open, pid, 0);
	struct pollfd polls[] = { { .fd = fd, .events = POLLIN },
				  { .fd = control, .events = POLLIN } };
	bool open = true;
	char word[8];

	while (poll(polls, 2, milliseconds) > 0 && !polls[0].revents) {
		open = recv(control, word, sizeof(word), 0) > 0;
		if (!open)
			break;
		kill(pid, SIGUSR1);
		milliseconds = 2000;
	}
	close(fd);
	return open;
}

int main(int argc, char **argv)
{
	static char job[JOB_MAX];
	char answer[32];
	bool open = true;
	int status;

	if (argc != 3)
		return 2;
	control = atoi(argv[1]);
	results = atoi(argv[2]);
	while (open) {
		ssize_t size = recv(control, job, sizeof(job) - 2, 0);
		pid_t pid;

		if (size <= 0)
			break;
		job[size] = job[size + 1] = 0;
		if (!strcmp(job, "stop"))
			continue;
		pid = fork();
		if (!pid)
			child(job);
		setpgid(pid, pid);
		open = wait_for(pid, 1000 * atoi(job_field(job, "deadline", "60")));
		kill(-pid, SIGKILL);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		snprintf(answer, sizeof(answer), "exit %d", status);
		send(control, answer, strlen(answer), MSG_NOSIGNAL);
	}
	return 0;
}
