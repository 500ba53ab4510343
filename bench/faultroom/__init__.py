"""A room to break things in: real processes, real databases, carriers' emulators, and books to count by.

`bench/faults.py` measures with it; `tests/acceptance/test_faults.py` runs the same faults with few messages.
"""
