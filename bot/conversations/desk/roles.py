"""Who may do what at the desk."""

from bot.conversations.desk import errors
from bot.vocabulary.agents import Agent, Role


def needs(agent: Agent, role: Role) -> None:
    """Raise NotAllowed when the agent's role is lower."""
    if not agent.may(role):
        raise errors.NotAllowed()
