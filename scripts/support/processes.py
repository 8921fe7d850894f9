"""Processes that never outlive the script that started them, and where the built programs are."""

import ctypes
import os
import pathlib
import signal
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def binary(name, profile="debug"):
    """The path of a built program."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
    path = target / profile / name
    if not path.is_file():
        flag = " --release" if profile == "release" else ""
        sys.exit(f"{path} is missing; build it with: cargo build --workspace{flag}")
    return str(path)


def build(profile="debug"):
    """Builds both programs; cargo tells what it does on standard error."""
    command = ["cargo", "build", "--locked", "--workspace", "--bins"]
    if profile == "release":
        command.append("--release")
    if subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL).returncode:
        sys.exit("the build failed")


def _end_with_parent():
    # PR_SET_PDEATHSIG: even a script that is killed with -9 leaves no server behind. Only Linux has it.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def start(command, **options):
    """Starts a process that is killed when this one dies."""
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=_end_with_parent, **options)


def end(process, seconds=10):
    """Ends a process in order, or by force where it does not end."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def unwind_on_signals():
    """Makes SIGTERM and SIGHUP run the same clean-up as an interrupt."""

    def leave(number, _frame):
        sys.exit(128 + number)

    for name in ("SIGTERM", "SIGHUP"):
        signal.signal(getattr(signal, name), leave)
