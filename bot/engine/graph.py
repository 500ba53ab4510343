"""Runs Rasa's component graph node after node.

Rasa's own runner hands every message to dask, a task scheduler, which formats debug strings for each node; with
three components in a row there is nothing to schedule. Importing this module puts our runner where Rasa keeps
its own, so that dask need not be installed; import it before `rasa.core` and `rasa.model_training`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import rasa.engine.runner.dask
from rasa.engine.graph import ExecutionContext, GraphNode, GraphNodeHook, GraphSchema
from rasa.engine.runner.interface import GraphRunner
from rasa.engine.storage.storage import ModelStorage


class SequentialGraphRunner(GraphRunner):
    """A `GraphRunner` that computes the targets in topological order. Errors of components come out as they are."""

    def __init__(self, schema: GraphSchema, nodes: dict[str, GraphNode]) -> None:
        self._schema = schema
        self._nodes = nodes
        self._order = lru_cache(maxsize=16)(self._ordered)

    @classmethod
    def create(
        cls,
        graph_schema: GraphSchema,
        model_storage: ModelStorage,
        execution_context: ExecutionContext,
        hooks: list[GraphNodeHook] | None = None,
    ) -> SequentialGraphRunner:
        nodes = {
            name: GraphNode.from_schema_node(name, node, model_storage, execution_context, hooks)
            for name, node in graph_schema.nodes.items()
        }
        return cls(graph_schema, nodes)

    def run(self, inputs: dict[str, Any] | None = None, targets: list[str] | None = None) -> dict[str, Any]:
        results = dict(inputs or {})
        wanted = tuple(targets or self._schema.target_names)
        for name in self._order(wanted):
            parents = self._schema.nodes[name].needs.values()
            _, results[name] = self._nodes[name](*((parent, results[parent]) for parent in parents))
        return {name: results[name] for name in wanted}

    def _ordered(self, targets: tuple[str, ...]) -> tuple[str, ...]:
        """The nodes that `targets` need, each after all that it needs itself."""
        order: list[str] = []

        def visit(name: str) -> None:
            if name in order or name not in self._schema.nodes:  # inputs are not nodes
                return
            for parent in self._schema.nodes[name].needs.values():
                visit(parent)
            order.append(name)

        for target in targets:
            visit(target)
        return tuple(order)


rasa.engine.runner.dask.DaskGraphRunner = SequentialGraphRunner
