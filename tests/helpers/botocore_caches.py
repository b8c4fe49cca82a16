"""Caches for botocore: each test creates sessions, and building one takes longer than most tests."""

import inspect
from collections.abc import Callable
from functools import cache
from types import FunctionType
from typing import Any

from botocore import hooks
from botocore.loaders import JSONFileLoader, Loader

#: Methods of loaders whose result depends on the arguments and the search path alone.
_METHODS = (
    "determine_latest_version",
    "list_api_versions",
    "list_available_services",
    "load_service_model",
)


def share_between_sessions() -> None:
    """Have all sessions of this process share what is the same in each of them."""
    _share_models()
    _share_event_names()
    hooks.accepts_kwargs = _accepts_kwargs


def _share_models() -> None:
    """Read each service model once; else each session stats some 900 folders for its first client.

    No code changes a model that it has loaded.
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


def _share_event_names() -> None:
    """Translate each event name once: a session registers more than a hundred handlers."""
    names: dict[str, str] = {}
    original = hooks.EventAliaser.__init__

    def init(aliaser: Any, event_emitter: Any, event_aliases: Any = None) -> None:
        original(aliaser, event_emitter, event_aliases)
        if event_aliases is None:
            aliaser._alias_name_cache = names

    hooks.EventAliaser.__init__ = init


def _accepts_kwargs(handler: Any) -> Any:
    """Return whether a handler takes any keyword argument: as botocore does, without `inspect`."""
    function = getattr(handler, "__func__", handler)
    if isinstance(function, FunctionType):
        return function.__code__.co_flags & inspect.CO_VARKEYWORDS
    return inspect.getfullargspec(handler)[2]
