"""Reads the service models of botocore once per process: that takes longer than most tests."""

from collections.abc import Callable
from functools import cache
from typing import Any

from botocore.loaders import JSONFileLoader, Loader

#: Methods whose result depends on the arguments and the search path alone.
_METHODS = (
    "determine_latest_version",
    "list_api_versions",
    "list_available_services",
    "load_service_model",
)


def read_models_once() -> None:
    """Have all loaders of this process share what they read.

    Each test creates its sessions, each session has a loader, and each loader would stat some 900
    folders for its first client. No code changes a model that it has loaded.
    """
    loader = JSONFileLoader()
    load_file = cache(loader.load_file)
    JSONFileLoader.load_file = lambda _loader, path: load_file(path)
    for name in _METHODS:
        setattr(Loader, name, _shared(getattr(Loader, name)))


def _shared(method: Callable[..., Any]) -> Callable[..., Any]:
    results: dict[tuple[Any, ...], Any] = {}

    def call(loader: Loader, *arguments: Any, **named: Any) -> Any:
        # boto3 adds its own folder to the path of each session.
        key = (tuple(loader.search_paths), arguments, tuple(sorted(named.items())))
        if key not in results:
            results[key] = method(loader, *arguments, **named)
        return results[key]

    return call
