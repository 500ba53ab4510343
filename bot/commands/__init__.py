"""What `releve` does at a terminal, one module a subject; `bot.cli` names the commands."""
