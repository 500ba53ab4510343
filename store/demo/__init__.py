"""Fictitious customers to try Relève on: nobody here exists, and no figure is anybody's."""

from store.demo.loading import AlreadyLoaded, DemoRefused, NotEmpty, Summary, load

__all__ = ["AlreadyLoaded", "DemoRefused", "NotEmpty", "Summary", "load"]
