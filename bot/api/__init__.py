"""The operator's HTTP API under `/api/v1`: what their systems report, and what they decide."""
