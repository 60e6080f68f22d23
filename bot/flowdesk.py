"""`lawang whatsapp flows | key`: the forms that WhatsApp shows itself, and the key to their envelopes."""

import click

from bot import settings
from bot.channels.whatsapp import envelopes, flows
from bot.channels.whatsapp.envelopes import KeyUnusable
from bot.channels.whatsapp.flows import FOLDER, REGISTRY, FlowsBroken
from bot.settings import SettingsError

PAGE = "docs/hubungkan-whatsapp.md, Formulir"


@click.command("flows")
def list_flows() -> None:
    """Say of each form what is still to do before citizens see it."""
    given = settings.load()
    try:
        known = flows.load(given.root)
    except FlowsBroken as error:
        raise click.ClickException(f"{FOLDER / REGISTRY}: {error}") from None
    has_key = given.whatsapp is not None and given.whatsapp.private_key is not None
    for tenant, name in sorted({(given.tenant, name) for name in known.all} | set(known.ids)):
        flow = known.all[name]
        if (tenant, name) not in known.ids:
            said = f"not at Meta: create it from {FOLDER / name}.json, then write its id into {REGISTRY}"
        elif known.id_of(tenant, name) is None:
            said = f"not published: publish it at Meta, then write published: true into {REGISTRY}"
        elif flow.exchange and not has_key:
            said = "published, but WHATSAPP_FLOW_KEY is missing: asked in the chat (`lawang whatsapp key`)"
        else:
            said = "shown to citizens"
        click.echo(f"{tenant}  {name}  {said}")


@click.command()
def key() -> None:
    """Make a key for the envelopes of forms; or show the public half of the one that is set."""
    try:
        given = settings.load().whatsapp
    except SettingsError as error:
        raise click.ClickException(str(error)) from None
    own = given.private_key if given else None
    try:
        private = own or envelopes.new_key()
        public = envelopes.public_of(private)
    except KeyUnusable as error:
        raise click.ClickException(f"WHATSAPP_FLOW_KEY: {error}") from None
    if own is None:
        click.echo("Keep this line where the other secrets are; it is shown once:\n")
        click.echo("WHATSAPP_FLOW_KEY=" + private.strip().replace("\n", "\\n") + "\n")
    click.echo(f"Give Meta this public key ({PAGE}):\n\n{public}", nl=False)
