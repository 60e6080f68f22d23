"""Drives a bot against gramlab, somebody else's polling Bot API server; prints what was seen as JSON.

Runs on gramlab's own interpreter (Python 3.13), inside a network namespace that has nothing but loopback,
which gramlab insists on:  gramlab_stage.py FOLDER BOT...  where BOT... is the command that starts the bot.
"""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from gramlab.bot_api import BotAPIServer
from gramlab.world import World

FOLDER, BOT = Path(sys.argv[1]), sys.argv[2:]
WORLD = FOLDER / "world"
seen: dict[str, object] = {}


def say(chat, sender, text):
    with World.open(WORLD) as world:
        world.send_message(chat_id=chat, sender_id=sender, text=text)


def answers(chat, bot):
    with World.open(WORLD) as world:
        return [message for message in world.history(chat) if message["sender_id"] == bot]


def wait_for(count, chat, bot):
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if len(found := answers(chat, bot)) >= count:
            return found
        time.sleep(0.05)
    raise SystemExit(f"{count} answers expected, got {answers(chat, bot)}")


def wait_for_answer(press):
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with World.open(WORLD) as world:
            if world.get_callback(user_id=citizen, callback_id=press)["answer"]:
                return True
        time.sleep(0.05)
    return False


with World.create(WORLD, seed=1, now=int(time.time())) as world:
    bot = world.create_user(first_name="Lawang", is_bot=True, username="lawang_bot")["id"]
    citizen = world.create_user(first_name="Budi", language_code="id")["id"]
    neighbour = world.create_user(first_name="Siti")["id"]
    chat = world.open_private_chat(user_id=citizen, bot_id=bot)["id"]
    other = world.open_private_chat(user_id=neighbour, bot_id=bot)["id"]
    group = world.create_group_chat(title="RT 05", creator_id=neighbour, member_ids=[citizen], bot_ids=[bot])[
        "id"
    ]
    token = world.issue_bot_token(bot)

with BotAPIServer(WORLD) as server:
    environment = {**os.environ, "TELEGRAM_BOT_TOKEN": token, "TELEGRAM_API_URL": server.base_url}

    def start():
        return subprocess.Popen(BOT, env=environment, stdout=subprocess.DEVNULL)

    process = start()
    try:
        say(chat, citizen, "/start")
        wait_for(1, chat, bot)
        say(chat, citizen, "lapor lampu mati")
        question = wait_for(2, chat, bot)[1]
        token_of_yes = question["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
        with World.open(WORLD) as world:
            press = world.create_callback(
                user_id=citizen, chat_id=chat, message_id=question["id"], data=token_of_yes, request_id="r1"
            )
        wait_for(3, chat, bot)
        seen["press answered"] = wait_for_answer(press["id"])

        say(group, neighbour, "halo bot")
        seen["group"] = [message["text"] for message in wait_for(1, group, bot)]

        # A rival takes the poll away for a moment; the bot backs off and comes back.
        try:
            url = f"{server.base_url}/bot{token}/getUpdates?timeout=0"
            seen["rival"] = urllib.request.urlopen(url).status
        except urllib.error.HTTPError as error:
            seen["rival"] = error.code
        say(other, neighbour, "masih di sana?")
        wait_for(1, other, bot)

        process.kill()
        process.wait()
        for number in range(4):
            say(chat, citizen, f"antri {number}")
        process = start()
        wait_for(7, chat, bot)
        time.sleep(0.5)
        seen["answers"] = [message["text"] for message in answers(chat, bot)]
    finally:
        process.terminate()
        process.wait()
print(json.dumps(seen))
