"""Walls around programs that decode strangers' bytes: what they may call, read and write. See docs/security.md.

`rules.py` says what a program may do, `kernel.py` asks the kernel for it, `common.launcher` starts programs so, and
`python -m common.walls` tries from the inside what holds on this machine.
"""
