"""Random faults in a real stack under real work, and checks that every promise still holds afterwards.

    schedule (seed -> faults) -> inject, while traffic submits jobs -> settle -> stock -> violations -> report

`run.py` is the whole run; the pure modules (`schedule`, `orders`, `invariants`, `figures`) can be tested without it.
"""
