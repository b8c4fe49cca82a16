"""`strongroom`: the window, or the command line when a sub-command is named."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from core.cli.standard_streams import open_closed_streams
from gui.app.options import NO_DISPLAY, Options, UsageProblem, display_missing, parse


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command or open the window; return the exit code. Only the window imports Qt."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if arguments is None:  # otherwise the process is that of the caller
        open_closed_streams()
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
        code = with_room(lambda: command_line(given))
        if arguments is None:
            leave(code)
        return code
    return _open_window(options)


def _open_window(options: Options) -> int:
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
