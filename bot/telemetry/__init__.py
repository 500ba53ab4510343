"""What the operators of the service see of it: log lines, metrics, traces; never a customer's words or number."""
