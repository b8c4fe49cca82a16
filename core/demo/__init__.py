"""The embedded AWS: moto in a separate process, with IAM enforcement and sample data.

`server` is the parent's side, with `DemoServer` for the rest of the program. `host` is the child
process, `request_checks` checks signatures and policies before moto, `data` contains the samples,
and `preview_samples` one object of every kind that the previews know.
"""

from core.demo.server import DemoServer

__all__ = ["DemoServer"]
