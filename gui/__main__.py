"""`strongroom`: the window, or the command line when a sub-command is named."""

from __future__ import annotations

import signal
import sys

# All other modules are imported by `main`, after it has prepared the process for an interrupt.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType
    from typing import Any

    from gui.app.options import Options

    Handler = signal.Handlers | Callable[[int, FrameType | None], Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command or open the window; return the exit code. Only the window imports Qt."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if arguments is None:  # otherwise the process is that of the caller
        # While modules are imported, Ctrl-C ends the process without a traceback.
        _let_ctrl_c(signal.default_int_handler, signal.SIG_DFL)
        from core.cli.standard_streams import open_closed_streams

        open_closed_streams()
    from gui.app.options import UsageProblem, parse

    try:
        options = parse(given)
    except UsageProblem as problem:
        sys.stderr.write(f"strongroom: {problem}\n")
        return 2
    if options is None:
        # Not imported for the window, whose start would wait for it.
        from core.cli import main as command_line
        from core.cli.leaving import collect_garbage_rarely, leave, with_room

        if arguments is None:
            collect_garbage_rarely()
            _let_ctrl_c(signal.SIG_DFL, signal.default_int_handler)
        code = with_room(lambda: command_line(given))
        if arguments is None:
            leave(code)
        return code
    return _open_window(options)


def _let_ctrl_c(former: Handler, handler: Handler) -> None:
    """Replace a handler of Ctrl-C, unless it is ignored or has another one."""
    if signal.getsignal(signal.SIGINT) == former:
        signal.signal(signal.SIGINT, handler)


def _open_window(options: Options) -> int:
    from gui.app.options import NO_DISPLAY, display_missing

    if display_missing():
        sys.stderr.write(NO_DISPLAY)
        return 2
    from gui.app.folders import unusable_folder

    # Screenshots of the demo use a temporary home.
    own_home = options.demo and options.screenshots is not None
    error = None if own_home else unusable_folder()
    if error is not None:
        sys.stderr.write(f"strongroom: {error.summary}. {error.cause} {error.remedy}\n")
        if options.screenshots is None:  # which scripts take, where a dialog would wait forever
            from gui.app.run import show_failure

            show_failure(options, error)
        return error.kind.value
    from gui.app.run import run

    return run(options)


if __name__ == "__main__":
    sys.exit(main())
