"""Changes to a job that exists: edits, another picture for a scene, going back to a version.

`revisions.py` has the use cases. Each decides what the next version is made of (`checks.py`, `choices.py`,
`regenerate.py` have the rules), and `once.py` writes that version once, however often the request is sent.
"""
