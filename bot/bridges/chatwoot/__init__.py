"""Chatwoot as the desk, by its API channel: its agents see the conversations handed over, and answer there."""
