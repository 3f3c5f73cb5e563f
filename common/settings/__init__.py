"""Every setting: declared once, read from the environment once, at the start of a process.

`declared.py` has the one declaration of each variable, `values.py` what a value may be, `reading.py` how the
environment becomes `Settings`. `.env.example` and docs/configuration.md are written from the declarations by
`./reel settings --write`; a test fails when they are stale.
"""

from common.settings.declared import Settings
from common.settings.reading import BadSetting, Reading

__all__ = ["BadSetting", "Reading", "Settings"]
