"""Rasa's rule policy, told two things that it cannot know.

No rule of ours matches on literal text, so the first of its two searches per prediction never finds
anything; and a rule can only fit when its last state names the present intent and the previous action, so
most rules need not be looked at. What is predicted stays the same (tests/rasa compares with the stock
policy).
"""

import json
from typing import Any

from rasa.core.policies.rule_policy import RulePolicy
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.shared.core.domain import State


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT, is_trainable=True)
class Rules(RulePolicy):
    """RulePolicy with an index."""

    def _find_action_from_rules(
        self, tracker: Any, domain: Any, use_text_for_last_user_input: bool
    ) -> tuple[str | None, str | None, bool]:
        if use_text_for_last_user_input:
            return None, None, False
        found: tuple[str | None, str | None, bool] = super()._find_action_from_rules(tracker, domain, False)
        return found

    def _get_possible_keys(self, lookup: dict[str, str], states: list[State]) -> set[str]:
        if not states:
            possible: set[str] = super()._get_possible_keys(lookup, states)
            return possible
        index = self._index(lookup)
        intent, action = _mark(states[-1])
        near = {
            key: lookup[key]
            for wanted_intent in {intent, None}
            for wanted_action in {action, None}
            for key in index.get((wanted_intent, wanted_action), ())
        }
        kept: set[str] = super()._get_possible_keys(near, states)
        return kept

    def _index(self, lookup: dict[str, str]) -> dict[tuple[str | None, str | None], list[str]]:
        """Rules by intent and previous action of their last state. Training still adds rules: the size
        tells."""
        indexes: dict[int, tuple[int, dict[tuple[str | None, str | None], list[str]]]] = (
            self.__dict__.setdefault("_indexes", {})
        )
        size, index = indexes.get(id(lookup), (-1, {}))
        if size != len(lookup):
            index = {}
            for key in lookup:
                index.setdefault(_mark(json.loads(key)[-1]), []).append(key)
            indexes[id(lookup)] = (len(lookup), index)
        return index


def _mark(state: State) -> tuple[str | None, str | None]:
    user: Any = state.get("user") or {}
    previous: Any = state.get("prev_action") or {}
    return user.get("intent"), previous.get("action_name")
