"""A field of a column of JSON text, as text, on both engines."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, String, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


def json_field(column: InstrumentedAttribute[Any], name: str) -> ColumnElement[str]:
    """Field `name`, a word of ours, of the object in a `store.types.Json` column; NULL where there is none."""
    if not name.isidentifier():
        raise ValueError(f"not a field's name: {name!r}")
    return _Field(column, literal_column(name))


class _Field(FunctionElement[str]):
    type = String()
    inherit_cache = True


@compiles(_Field, "sqlite")
def _on_sqlite(element: _Field, compiler: SQLCompiler, **options: Any) -> str:
    column, name = (compiler.process(each, **options) for each in element.clauses)
    return f"json_extract({column}, '$.{name}')"


@compiles(_Field, "postgresql")
def _on_postgresql(element: _Field, compiler: SQLCompiler, **options: Any) -> str:
    column, name = (compiler.process(each, **options) for each in element.clauses)
    return f"(CAST({column} AS json) ->> '{name}')"
