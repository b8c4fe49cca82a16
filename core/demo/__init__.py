"""The embedded AWS: moto in a process of its own, IAM enforced, filled with sample data.

`server` is the parent's side, and its `DemoServer` all that the rest of the program needs. `host`
is the child, `gate` stands in front of moto and checks signatures and policies, `data` holds the
samples.
"""

from core.demo.server import DemoServer

__all__ = ["DemoServer"]
