"""The agents' console: lists, talks, the hand-over card, and what agents do; thin pages over the desk."""

from fastapi import APIRouter

from bot.web.agent import acts, composing, deeds, lists, live, talk

router = APIRouter()
for part in (lists, talk, acts, composing, deeds, live):
    router.include_router(part.router)
