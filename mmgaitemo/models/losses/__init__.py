"""Losses over logits."""
