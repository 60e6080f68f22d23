"""WhatsApp: Meta's Cloud API over httpx. Signed bytes in, one item at a time; bubbles out."""

from bot.channels.whatsapp.channel import WhatsAppChannel

__all__ = ["WhatsAppChannel"]
