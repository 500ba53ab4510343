"""Rasa in one process: parsing and dialogue, without its servers, its brokers and TensorFlow.

`Assistant` is the only thing the rest of the house sees. Inside:

- `processor` runs Rasa's own message processor and lets failures through;
- `graph` runs Rasa's component graph in order, without a scheduler;
- `local_action` calls the rasa-sdk actions of `actions/` directly, in the turn's transaction;
- `dialogue_state` starts each turn from a compact state, so that a turn's cost does not grow with history;
- `texts` finds what to say in the customer's language.
"""
