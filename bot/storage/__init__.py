"""The only SQL of the front door, and its key-value twin of Redis."""

# Tables of every subject register themselves: whoever sees the metadata sees all of them.
from bot.storage import access_tables as access_tables
from bot.storage import broadcast_tables as broadcast_tables
from bot.storage import contact_tables as contact_tables
from bot.storage import delivery_tables as delivery_tables
from bot.storage import desk_tables as desk_tables
from bot.storage import feeds as feeds
from bot.storage import tables as tables
