"""Views: batched tensor transforms that run on the device, each sample with its own draw."""
