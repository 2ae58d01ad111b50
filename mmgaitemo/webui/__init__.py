"""A page in the browser: drop a recording, see what the model makes of it and why."""

from mmgaitemo.webui.server import WalkServer

__all__ = ["WalkServer"]
