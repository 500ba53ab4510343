"""The operator's large files: customers, contracts, meters, bills, schedules of payments, readings."""
