"""Random faults under a real stack with real work, and whether every promise still holds afterwards.

    schedule (seed -> faults) -> inject, while traffic submits jobs -> settle -> stock -> violations -> report

`run.py` is the whole run; what is pure (`schedule`, `orders`, `invariants`, `figures`) can be tested without a stack.
"""
