"""A program on a pseudo-terminal of its own, and what is on its screen."""

import fcntl
import html
import os
import pathlib
import pty
import select
import signal
import struct
import termios
import time

# One cell, in the units of the drawing.
WIDE, HIGH, BASE = 8.4, 18.0, 13.5
# Beside the text.
MARGIN = 14.0
# The sixteen colours of a terminal, and what is meant by none.
PALETTE = {
    "black": "#1d2129", "red": "#e06c75", "green": "#98c379", "brown": "#e5c07b", "yellow": "#e5c07b", "blue": "#61afef", "magenta": "#c678dd",
    "cyan": "#56b6c2", "white": "#c8ccd4", "brightblack": "#6b7280", "brightred": "#ff7b86", "brightgreen": "#b5e890", "brightbrown": "#ffd58f",
    "brightyellow": "#ffd58f", "brightblue": "#8cc8ff", "brightmagenta": "#e29bf5", "brightcyan": "#7fdbe6", "brightwhite": "#ffffff",
}  # fmt: skip
FOREGROUND, BACKGROUND = "#c8ccd4", "#16191f"


class Program:
    """Started with this command on a terminal of that size, in a folder; ended with the `with` block."""

    def __init__(self, command, columns, rows, env, folder=None):
        self.command, self.columns, self.rows, self.env, self.folder = command, columns, rows, env, folder

    def __enter__(self):
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            try:
                if self.folder:
                    os.chdir(self.folder)
                os.execvpe(self.command[0], self.command, self.env)
            finally:
                os._exit(127)
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", self.rows, self.columns, 0, 0))
        self.usage = None
        return self

    def __exit__(self, *_):
        if self.usage is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.terminal)

    def press(self, keys):
        """Types something."""
        os.write(self.terminal, keys.encode())

    def read(self, seconds):
        """What is written to the terminal in so long."""
        end, pieces = time.monotonic() + seconds, []
        while (left := end - time.monotonic()) > 0:
            if not select.select([self.terminal], [], [], left)[0]:
                break
            try:
                piece = os.read(self.terminal, 1 << 16)
            except OSError:  # Linux's way to say that nobody has it open any more
                break
            if not piece:
                break
            pieces.append(piece)
        return b"".join(pieces)

    def thread(self, name):
        """Processor seconds that its threads of this name took so far (Linux, proc_pid_stat(5))."""
        ticks = 0
        for task in pathlib.Path(f"/proc/{self.pid}/task").iterdir():
            if (task / "comm").read_text().strip() == name:
                ticks += sum(map(int, (task / "stat").read_text().rpartition(")")[2].split()[11:13]))
        return ticks / os.sysconf("SC_CLK_TCK")

    def end(self, seconds=60):
        """Asks it to end, and waits for that; its exit code, and the processor seconds that it took."""
        os.kill(self.pid, signal.SIGTERM)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.read(0.05)
            done, status, self.usage = os.wait4(self.pid, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status), self.usage.ru_utime + self.usage.ru_stime
            self.usage = None
        raise SystemExit(f"{self.command[0]} did not end within {seconds} s")


class Screen:
    """What a terminal shows of what a program writes."""

    def __init__(self, program):
        import pyte  # of the scripts that draw alone

        self.program = program
        self.screen = pyte.Screen(program.columns, program.rows)
        self.stream = pyte.ByteStream(self.screen)

    def text(self):
        """The lines."""
        return "\n".join(self.screen.display)

    def watch(self, seconds):
        """Follows for so long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.stream.feed(self.program.read(0.1))

    def until(self, what, holds, seconds=30):
        """Follows until the text is as it should be."""
        deadline = time.monotonic() + seconds
        while not holds(self.text()):
            if time.monotonic() > deadline:
                raise SystemExit(f"{what} is not seen within {seconds} s:\n{self.text()}")
            self.watch(0.2)

    def svg(self, title):
        """The screen as a drawing."""
        columns, rows = self.screen.columns, self.screen.lines
        width, height = columns * WIDE + 2 * MARGIN, rows * HIGH + 2 * MARGIN
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img">',
            f"<title>{html.escape(title)}</title>",
            f'<rect width="100%" height="100%" rx="8" fill="{BACKGROUND}"/>',
            '<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,\'DejaVu Sans Mono\',monospace" font-size="14" xml:space="preserve">',
        ]
        for row in range(rows):
            for start, length, text, style in self._runs(row):
                x, y = MARGIN + start * WIDE, MARGIN + row * HIGH
                colour, behind, bold, italic, underlined = style
                if behind != BACKGROUND:
                    parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{length * WIDE:.1f}" height="{HIGH:.1f}" fill="{behind}"/>')
                if not text.strip():
                    continue
                more = ' font-weight="bold"' * bold + ' font-style="italic"' * italic + ' text-decoration="underline"' * underlined
                parts.append(
                    f'<text x="{x:.1f}" y="{y + BASE:.1f}" textLength="{length * WIDE:.1f}" lengthAdjust="spacingAndGlyphs" '
                    f'fill="{colour}"{more}>{html.escape(text)}</text>'
                )
        return "\n".join([*parts, "</g>", "</svg>", ""])

    def _runs(self, row):
        """Stretches of one style: where, how many cells, text, style."""
        start, text, style = 0, "", None
        for column in range(self.screen.columns):
            cell = self.screen.buffer[row][column]
            colour, behind = _colour(cell.fg, FOREGROUND), _colour(cell.bg, BACKGROUND)
            if cell.reverse:
                colour, behind = behind, colour
            now = (colour, behind, cell.bold, cell.italics, cell.underscore)
            if now != style:
                if style:
                    yield start, column - start, text, style
                start, text, style = column, "", now
            text += cell.data
        yield start, self.screen.columns - start, text, style


def _colour(name, default):
    if name == "default":
        return default
    return PALETTE.get(name, f"#{name}")
