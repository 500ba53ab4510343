"""Rasa's rule policy, asked once per prediction."""

from __future__ import annotations

from rasa.core.policies.rule_policy import RulePolicy
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT, is_trainable=True)
class Rules(RulePolicy):
    """The rule policy without rules on literal texts, which it would look for first: ours are on intents.

    When no rule says what comes after an action, the assistant listens. Stock takes that for a message that it did
    not understand: an action that another one asked for (`FollowupAction`) would be followed by "I am lost".
    """

    def _find_action_from_rules(
        self, tracker: DialogueStateTracker, domain: Domain, use_text_for_last_user_input: bool
    ) -> tuple[str | None, str | None, bool]:
        if use_text_for_last_user_input:
            return None, None, False
        found: tuple[str | None, str | None, bool] = super()._find_action_from_rules(tracker, domain, False)
        name, source, returning = found
        if name is None and tracker.latest_action_name not in (None, ACTION_LISTEN_NAME):
            return ACTION_LISTEN_NAME, source, returning
        return found
