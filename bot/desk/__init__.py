"""The call-centre agents' console, at `/desk`."""
