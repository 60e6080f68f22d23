"""How an agent is called towards citizens, as the tenant allows."""

from bot.conversations.desk.rules import Rules
from bot.vocabulary.agents import Agent


def shown(rules: Rules, agent: Agent) -> str | None:
    """The name a citizen reads; None where agents stay unnamed."""
    if rules.agent_name == "none":
        return None
    name = agent.public_name or agent.name
    return name if rules.agent_name == "full" else name.split()[0]
