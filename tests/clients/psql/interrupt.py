"""Ctrl-C in an interactive psql: the statement ends, the session goes on."""

import os
import pathlib
import pty
import select
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "lib"))
from check import check, run  # noqa: E402


class Terminal:
    """psql on a terminal of its own."""

    def __init__(self):
        self.seen = ""
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.environ.update(PAGER="cat", TERM="dumb")
            # -n: no line editing, so that the output is just what psql prints.
            os.execvp("psql", ["psql", "-X", "-n", "-q", "-A", "-t", "-v", "VERBOSITY=verbose"])

    def send(self, line):
        os.write(self.terminal, f"{line}\n".encode())

    def wait_for(self, text, seconds):
        """True once `text` is printed; forgets all up to it."""
        end = time.monotonic() + seconds
        while text not in self.seen:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.terminal], [], [], left)[0]:
                return False
            try:
                self.seen += os.read(self.terminal, 65536).decode(errors="replace")
            except OSError:  # psql has gone
                return False
        self.seen = self.seen.split(text, 1)[1]
        return True

    def interrupt(self):
        os.kill(self.pid, signal.SIGINT)

    def close(self):
        os.close(self.terminal)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def interrupted(psql):
    """Interrupts a statement of 30 s; returns the seconds until its error came."""
    psql.send("select pg_sleep(30);")
    # psql must be in the statement, not still reading it: a Ctrl-C at the prompt is no cancel.
    # So try again until an error comes.
    begin = time.monotonic()
    while time.monotonic() - begin < 20:
        time.sleep(0.3)
        psql.interrupt()
        if psql.wait_for("ERROR:  57014:", 2):
            return time.monotonic() - begin
        if psql.wait_for("=> ", 0):  # it was too early
            psql.send("select pg_sleep(30);")
    raise AssertionError(f"no error 57014 within 20 s; psql printed: {psql.seen!r}")


@check("Ctrl-C ends a statement, and the same psql goes on")
def _():
    psql = Terminal()
    try:
        for round_ in range(3):
            psql.send(rf"\echo re''ady {round_}")
            assert psql.wait_for(f"ready {round_}", 30), psql.seen
            took = interrupted(psql)
            assert took < 20, f"{took:.1f} s"
            psql.send(f"select 'go' || 'es on {round_}';")
            assert psql.wait_for(f"goes on {round_}", 20), psql.seen
    finally:
        psql.close()


@check("Ctrl-C in a transaction aborts it")
def _():
    psql = Terminal()
    try:
        psql.send("begin;")
        interrupted(psql)
        psql.send("select 1;")
        assert psql.wait_for("25P02", 20), psql.seen
        psql.send("rollback;")
        psql.send("select 'us' || 'able';")
        assert psql.wait_for("usable", 20), psql.seen
    finally:
        psql.close()


run("psql")
