"""What the comparisons of this folder share: how both sides are started, the policies of PyTorch's threads, and the table."""
import os
import subprocess
import sys

# "spin": threads that wait poll as long as the library's defaults say; "park": they go to sleep at once
POLICIES = {
    "spin": {},
    "park": {"GOMP_SPINCOUNT": "0", "KMP_BLOCKTIME": "0", "OMP_WAIT_POLICY": "passive"},
}


def run(command, env=None):
    """Runs a program and returns what it prints."""
    done = subprocess.run(command, env={**os.environ, **(env or {})}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr}")
    return done.stdout


def torch_run(threads, policy, *arguments):
    """Runs this very script in a process of its own, for PyTorch, and returns what it prints."""
    env = {**POLICIES[policy], "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    return run([sys.executable, os.path.abspath(sys.argv[0]), *arguments, "--threads", str(threads)], env)


def cores():
    """The CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def table(rows):
    """Prints rows with aligned columns; the first column is text."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join([row[0].ljust(widths[0])] + [cell.rjust(w) for cell, w in zip(row[1:], widths[1:])]).rstrip())


def arguments(words, commands):
    """The words of the command line, with the command compare where none is named."""
    return words if words and words[0] in ("-h", "--help", *commands) else ["compare", *words]
