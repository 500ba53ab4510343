"""Stand-ins for the packages that Rasa imports at start and that Relève never uses.

Rasa 3.6 imports TensorFlow, half a dozen chat carriers' clients and several message brokers as soon as it is
imported, 1.5 GB of them. Importing this module first answers those imports with inert modules. Their names
can be imported, subclassed and used as annotations or decorators while a module is being defined; anything
that really *uses* one (calls it once the importing is over) fails with `NotInstalled`, which says what.

A package that is really installed is never replaced: designers may add TensorFlow to compare pipelines.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys
import types
from typing import Any, ClassVar, NoReturn

import numpy as np

STANDINS = frozenset(
    {
        "absl",
        "aio_pika",
        "aiogram",
        "aiormq",
        "apscheduler",
        "boto3",
        "botocore",
        "cachecontrol",
        "colorclass",
        "confluent_kafka",
        "dask",
        "fbmessenger",
        "google.auth",
        "google.oauth2",
        "keras",
        "mattermostwrapper",
        "networkx",
        "psycopg2",
        "prompt_toolkit",
        "pymongo",
        "questionary",
        "redis",
        "rocketchat_API",
        "safetensors",
        "sanic",
        "sanic_cors",
        "sanic_jwt",
        "sentry_sdk",
        "skops",
        "sklearn_crfsuite",
        "slack_sdk",
        "socketio",
        "structlog_sentry",
        "tensorflow",
        "tensorflow_hub",
        "tensorflow_text",
        "tensorflow_addons",
        "terminaltables",
        "webexteamssdk",
        "websockets",
    }
)


class NotInstalled(RuntimeError):
    """A package that Relève leaves out was really used."""


def _being_defined() -> bool:
    """Whether the code that touches the stand-in runs at the top of a module or of a class."""
    frame = sys._getframe(2)
    return "__module__" in frame.f_locals or frame.f_code.co_name == "<module>"


class _Absent(type):
    """The class of every name found in a stand-in module."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _absent(f"{cls.__module__}.{cls.__qualname__}", name)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls.__dict__.get("_standin") and _being_defined():
            return args[0] if len(args) == 1 and callable(args[0]) else _passes_through
        _fail(cls)

    def __getitem__(cls, item: Any) -> Any:
        return cls

    def __or__(cls, other: Any) -> Any:
        return cls

    __ror__ = __or__


def _passes_through(decorated: Any = None, *args: Any, **kwargs: Any) -> Any:
    """What a decorator with arguments, called at definition time, leaves: the function as it was."""
    return decorated


def _fail(cls: type) -> NoReturn:
    raise NotInstalled(
        f"{cls.__module__}.{cls.__qualname__} was used, and the package is not installed: "
        "Relève runs Rasa without it (see nlu/standins.py)"
    )


def _absent(module: str, name: str) -> type:
    return _Absent(name, (), {"__module__": module, "_standin": True})


class _Module(types.ModuleType):
    __path__: ClassVar[list[str]] = []  # type: ignore[misc]
    __version__ = "0"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        value = _absent(self.__name__, name)
        setattr(self, name, value)
        return value


class _Finder:
    """Last on `sys.meta_path`, so that an installed package always wins."""

    @classmethod
    def find_spec(cls, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        parts = name.split(".")
        if not any(".".join(parts[: i + 1]) in STANDINS for i in range(len(parts))) and name != "google":
            return None
        return importlib.machinery.ModuleSpec(name, cls, is_package=True)  # type: ignore[arg-type]

    @staticmethod
    def create_module(spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return _Module(spec.name)

    @staticmethod
    def exec_module(module: types.ModuleType) -> None:
        return None


class _Hollow:
    """A package without what its own module imports; the modules in it are there."""

    @staticmethod
    def create_module(spec: importlib.machinery.ModuleSpec) -> None:
        return None

    @staticmethod
    def exec_module(module: types.ModuleType) -> None:
        return None


class _LeftOut:
    """First on `sys.meta_path`: installed packages that this process has no use for."""

    names: frozenset[str] = frozenset()
    hollow: frozenset[str] = frozenset()

    @classmethod
    def find_spec(cls, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if name in cls.hollow and (there := importlib.machinery.PathFinder.find_spec(name, path)) is not None:
            spec = importlib.machinery.ModuleSpec(name, _Hollow, is_package=True)  # type: ignore[arg-type]
            spec.submodule_search_locations = there.submodule_search_locations
            return spec
        if name in cls.names or name.partition(".")[0] in cls.names:
            return importlib.machinery.ModuleSpec(name, _Finder, is_package=True)  # type: ignore[arg-type]
        return None


def serving() -> None:
    """Leave out of this process what is imported and serving does not use.

    scipy and scikit-learn train, and tqdm shows how far they are; Matplotlib draws, in processes of its own
    (`bot.sending.attachments`); mako colours the templates of new migrations with pygments; of the holidays of all
    countries we want Morocco's. Saves about 120 MiB and three seconds at start. Nothing when one of them is imported
    already.
    """
    unused = frozenset({"scipy", "sklearn", "tqdm", "matplotlib", "mako.ext.pygmentplugin"})
    hollow = frozenset({"holidays.countries"})
    if not (unused | hollow) & sys.modules.keys():
        _LeftOut.names, _LeftOut.hollow = unused, hollow
        sys.meta_path.insert(0, _LeftOut)


def install() -> None:
    """Answer imports of absent packages from now on. Safe to call again."""
    if _Finder not in sys.meta_path:
        sys.meta_path.append(_Finder)
    if not hasattr(np, "VisibleDeprecationWarning"):
        # NumPy 2 moved it; Rasa names the old place in a list of warnings to hide.
        vars(np)["VisibleDeprecationWarning"] = np.exceptions.VisibleDeprecationWarning


install()
