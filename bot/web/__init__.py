"""The HTTP faces: webhooks, backends, web chat, health."""
